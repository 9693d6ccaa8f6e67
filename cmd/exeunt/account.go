package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"exeunt/internal/account"
	"exeunt/internal/server"
)

type accountCmd struct {
	Create accountCreateCmd `cmd:"" help:"Make an account."`
	Reset  accountResetCmd  `cmd:"" help:"Print a one-time link that sets a new password."`
}

type accountCreateCmd struct {
	place
	Name         string `arg:""`
	Kind         string `enum:"personal,organisation" default:"personal" help:"personal or organisation."`
	PasswordFile string `help:"File with the password; without it the password is read from the terminal's line." placeholder:"FILE"`
}

func (c *accountCreateCmd) Run(a *app) error {
	password, err := c.password()
	if err != nil {
		return err
	}
	return a.with(c.place, func(h *server.House) error {
		kind, _ := account.ParseKind(c.Kind)
		made, err := h.Accounts.CreateAccount(a.ctx, c.Name, kind, password)
		if err != nil {
			return err
		}
		v := map[string]any{"account": made.Account.String(), "name": c.Name, "recovery_codes": made.Codes}
		return a.print(v, "account %s (%s)\nrecovery codes, shown once:\n  %s\n", c.Name, made.Account, strings.Join(made.Codes, "\n  "))
	})
}

func (c *accountCreateCmd) password() (string, error) {
	if c.PasswordFile != "" {
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("read password from standard input: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

type accountResetCmd struct {
	place
	Name string `arg:""`
}

func (c *accountResetCmd) Run(a *app) error {
	return a.with(c.place, func(h *server.House) error {
		token, err := h.Accounts.MakeReset(a.ctx, c.Name)
		if err != nil {
			return err
		}
		return a.print(map[string]string{"path": "/reset/" + token}, "/reset/%s\n", token)
	})
}
