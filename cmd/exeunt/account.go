package main

import (
	"bufio"
	"context"
	"errors"
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
	Operator     bool   `help:"The install's operator, of whom there is none yet."`
	PasswordFile string `help:"File with the password; without it the password is read from the terminal's line." placeholder:"FILE"`
}

func (c *accountCreateCmd) Run(a *app) error {
	password, err := c.password()
	if err != nil {
		return err
	}
	return a.with(c.place, func(h *server.House) error {
		made, err := c.create(a.ctx, h.Accounts, password)
		if err != nil {
			return err
		}
		v := map[string]any{"account": made.Account.String(), "name": c.Name, "recovery_codes": made.Codes}
		return a.print(v, "account %s (%s)\nrecovery codes, shown once:\n  %s\n", c.Name, made.Account, strings.Join(made.Codes, "\n  "))
	})
}

func (c *accountCreateCmd) create(ctx context.Context, accounts *account.Room, password string) (account.Created, error) {
	kind, _ := account.ParseKind(c.Kind)
	if !c.Operator {
		return accounts.CreateAccount(ctx, c.Name, kind, password)
	}
	if kind != account.Personal {
		return account.Created{}, errors.New("--operator makes a personal account: leave --kind out")
	}
	token, first, err := accounts.FirstStart(ctx)
	if err != nil {
		return account.Created{}, err
	}
	if !first {
		return account.Created{}, errors.New("there is an operator's account already: make this one without --operator")
	}
	return accounts.MakeOperator(ctx, token, c.Name, password)
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
