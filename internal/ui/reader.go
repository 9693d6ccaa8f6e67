package ui

import (
	"context"
	"net/http"
	"strings"
	"time"
	_ "time/tzdata" // readers' zones must resolve on hosts without a zone database

	"golang.org/x/text/language"
)

// Lang is a language Exeunt speaks, as a BCP 47 tag fit for the lang attribute.
type Lang string

// The languages every sentence exists in. Chinese is first and the fallback.
const (
	Chinese Lang = "zh-CN"
	English Lang = "en"
)

// Langs lists the languages in the order they are offered.
func Langs() []Lang { return []Lang{Chinese, English} }

// folder is the name of the language's folder under locales.
func (l Lang) folder() string {
	if l == English {
		return "en"
	}
	return "zh"
}

// ParseLang returns the language named by s ("zh", "zh-CN", "en-GB" …) and
// whether Exeunt speaks it.
func ParseLang(s string) (Lang, bool) {
	base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "-")
	switch base {
	case "zh":
		return Chinese, true
	case "en":
		return English, true
	}
	return "", false
}

// Theme is the stored choice between light and dark; empty follows the device.
type Theme string

// The themes a reader may choose.
const (
	ThemeAuto  Theme = ""
	ThemeLight Theme = "light"
	ThemeDark  Theme = "dark"
)

// ParseTheme returns the theme named by s; anything unknown is ThemeAuto.
func ParseTheme(s string) Theme {
	switch Theme(s) {
	case ThemeLight, ThemeDark:
		return Theme(s)
	default:
		return ThemeAuto
	}
}

// Reader is who a page is written for: the language, the theme, the zone in
// which times are shown and the moment (promise clock, UTC) called "now".
type Reader struct {
	Lang  Lang
	Theme Theme
	Zone  *time.Location
	Now   time.Time
	Site  Site
}

// Site is what every page shows of the install. Its zero value is the product's own.
type Site struct {
	Name   string   // "": the product's
	Slogan string   // "": the product's
	Icon   string   // address of a square PNG; "": the product's
	Filing string   // 备案号; "": none
	About  []string // of rules, privacy, contact: those that the operator has written
	Base   string   // where people reach it, "https://example.org" without a slash at the end; "": not known
}

// SiteName gives the install's name for the reader.
func SiteName(ctx context.Context) string {
	if name := readerFrom(ctx).Site.Name; name != "" {
		return name
	}
	return T(ctx, "ui.name")
}

// SiteSlogan gives the install's sentence about itself for the reader.
func SiteSlogan(ctx context.Context) string {
	if slogan := readerFrom(ctx).Site.Slogan; slogan != "" {
		return slogan
	}
	return T(ctx, "ui.slogan")
}

type readerKey struct{}

// WithReader returns a context whose pages are written for r. The server's
// middleware calls it once for each request.
func WithReader(ctx context.Context, r Reader) context.Context {
	if r.Lang == "" {
		r.Lang = Chinese
	}
	if r.Zone == nil {
		r.Zone = time.UTC
	}
	return context.WithValue(ctx, readerKey{}, &r)
}

// ReaderFrom returns the reader of ctx; without one, Chinese in UTC.
func ReaderFrom(ctx context.Context) Reader { return *readerFrom(ctx) }

var defaultReader = Reader{Lang: Chinese, Zone: time.UTC}

func readerFrom(ctx context.Context) *Reader {
	if r, ok := ctx.Value(readerKey{}).(*Reader); ok {
		return r
	}
	return &defaultReader
}

// WithLang returns ctx with the reader's language replaced.
func WithLang(ctx context.Context, l Lang) context.Context {
	r := ReaderFrom(ctx)
	r.Lang = l
	return WithReader(ctx, r)
}

// LangOf returns the language of ctx.
func LangOf(ctx context.Context) Lang { return readerFrom(ctx).Lang }

// Names of the cookies that hold a reader's stored choices. They hold no
// personal data and are set by Preferences.
const (
	LangCookie  = "lang"
	ThemeCookie = "theme"
)

// ChooseLang decides the language of a request: what was chosen on this browser (the cookie), then
// the account's setting, then Accept-Language, then Chinese.
func ChooseLang(r *http.Request, setting Lang) Lang {
	if c, err := r.Cookie(LangCookie); err == nil {
		if l, ok := ParseLang(c.Value); ok {
			return l
		}
	}
	if l, ok := ParseLang(string(setting)); ok {
		return l
	}
	accept := r.Header.Get("Accept-Language")
	if accept == "" || len(accept) > 256 {
		return Chinese
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return Chinese
	}
	for _, tag := range tags {
		if l, ok := ParseLang(tag.String()); ok {
			return l
		}
	}
	return English
}

// ChooseTheme decides the theme of a request: its cookie, then the account's setting.
func ChooseTheme(r *http.Request, setting Theme) Theme {
	c, err := r.Cookie(ThemeCookie)
	if err != nil {
		return ParseTheme(string(setting))
	}
	return ParseTheme(c.Value)
}

// Preferences stores the lang and theme fields of a posted form in cookies for
// a year and leads back to the path in its back field. secure marks the cookies
// Secure (behind TLS). It answers POST only; mount it at PreferencesPath.
func Preferences(secure bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		if l, ok := ParseLang(r.PostFormValue("lang")); ok {
			http.SetCookie(w, preferenceCookie(LangCookie, string(l), secure))
		}
		if r.PostForm.Has("theme") {
			http.SetCookie(w, preferenceCookie(ThemeCookie, string(ParseTheme(r.PostFormValue("theme"))), secure))
		}
		//nolint:gosec // G710 does not know that LocalPath lets only paths of this site through
		http.Redirect(w, r, LocalPath(r.PostFormValue("back")), http.StatusSeeOther)
	})
}

// ForgetPreferences drops the browser's stored choices: the account's settings hold again.
func ForgetPreferences(w http.ResponseWriter, secure bool) {
	for _, name := range []string{LangCookie, ThemeCookie} {
		c := preferenceCookie(name, "", secure)
		c.MaxAge = -1
		http.SetCookie(w, c)
	}
}

// PreferencesPath is where the layout's language and theme forms post to.
const PreferencesPath = "/preferences"

func preferenceCookie(name, value string, secure bool) *http.Cookie {
	const year = 365 * 24 * 60 * 60
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: year,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
}

// LocalPath returns p when it is a path on this site, and "/" otherwise, so
// that a form cannot lead a person to another site.
func LocalPath(p string) string {
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n\t") {
		return "/"
	}
	return p
}
