package e2e_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// withAuthenticator gives a person's browser a device that keeps passkeys and knows whoever holds it.
func (p *person) withAuthenticator() webauthn.AuthenticatorID {
	p.t.Helper()
	var id webauthn.AuthenticatorID
	p.run(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		got, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true,
			HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		if err == nil {
			id = got.AuthenticatorID
		}
		return err
	}))
	return id
}

// present says whether the holder of the device lets it answer at once.
func (p *person) present(id webauthn.AuthenticatorID, yes bool) {
	p.t.Helper()
	p.run(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: id, Enabled: yes})
		return err
	}))
}

// TestPasskey registers a passkey, signs in with it without a name, and proves a closing with it.
func TestPasskey(t *testing.T) {
	onEach(t, func(t *testing.T, in *install) {
		in.serve(t)
		p := startBrowser(t).visitor(t, in, "bai_lu")
		in.account(t, "bai_lu")
		p.open("/sign-in")
		if !p.has("main form[action='/sign-in']") || p.has("main form[data-passkey]") {
			t.Error("passkeys are offered by an IP address, where no browser takes them")
		}
		in.url = strings.Replace(in.url, "127.0.0.1", "localhost", 1)
		device := p.withAuthenticator()
		p.signsIn("bai_lu")

		p.open("/settings/passkeys")
		p.fill("#name", "手机")
		p.fill("#proof", "not the password")
		p.touch("main form[data-passkey] button")
		p.see("main form[data-passkey] [data-problem]:not([hidden])")
		p.fill("#proof", password)
		p.tap("main form[data-passkey] button")
		p.reads("main", "手机")
		p.tap(`main form[action="/settings/passkeys/remove"] button`)
		if p.has(`main form[action="/settings/passkeys/remove"]`) {
			t.Error("a removed passkey is still there")
		}
		p.fill("#name", "手机")
		p.fill("#proof", password)
		p.tap("main form[data-passkey] button")
		p.reads("main", "手机")
		p.shot("passkeys")

		p.open("/me")
		p.tap(`main form[action="/sign-out"] button`)
		p.present(device, false) // or the name field's own question is answered before anybody taps
		p.open("/sign-in")
		p.see("main form[data-passkey] button")
		p.shot("sign-in-passkey")
		p.present(device, true)
		p.tap("main form[data-passkey] button")
		p.open("/me")
		p.reads("main", "@bai_lu")

		p.open("/exit/close")
		p.touch("#consent")
		p.tap(`main form[method="post"] .pair button`)
		p.see("main form[data-passkey] button")
		p.shot("prove-passkey")
		p.tap("main form[data-passkey] button")
		p.see("main .slip svg")
	})
}
