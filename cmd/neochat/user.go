package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"

	"neochat/store"
	"neochat/wire"
)

// userCommand manages accounts in the database itself, beside a running server or without one.
type userCommand struct {
	Data     string `help:"Folder of the server's data." default:"data" env:"NEOCHAT_DATA"`
	Database string `help:"The server's --database, if it has one." default:"" env:"NEOCHAT_DATABASE"`

	Add      userAdd      `cmd:"" help:"Make an account. The password is asked for, or read from standard input or NEOCHAT_PASSWORD."`
	Password userPassword `cmd:"" help:"Set an account's password and end its sessions."`
	Suspend  userSuspend  `cmd:"" help:"Suspend an account and end its sessions, or let it back in."`
	Delete   userDelete   `cmd:"" help:"Delete an account. What it wrote stays, and nobody gets its name again."`
	List     userList     `cmd:"" help:"List the accounts."`
	Invite   userInvite   `cmd:"" help:"Make a code with which people can register where registration is by invitation."`
}

type userAdd struct {
	Account string `arg:"" help:"1 to 100 of A-Z a-z 0-9 + . _ @ -"`
	Name    string `help:"The person's name, shown to others."`
}

type userPassword struct {
	Account string `arg:""`
}

type userSuspend struct {
	Account string `arg:""`
	Undo    bool   `help:"Let the account back in."`
}

type userDelete struct {
	Account string `arg:""`
	Yes     bool   `help:"Do not ask whether that is meant."`
}

type userInvite struct {
	Uses int `help:"How many people may register with it." default:"1"`
	Days int `help:"For how many days it is good." default:"7"`
}

type userList struct{}

// with runs f on the database, which must exist unless fresh.
func (c *userCommand) with(ctx context.Context, std streams, fresh bool, f func(*store.Store) error) error {
	data := c.Data
	if c.Database == "" {
		var err error
		if data, err = c.folder(fresh); err != nil {
			return err
		}
	}
	log := slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := openStore(ctx, store.Config{Database: c.Database}, data, log)
	if err != nil {
		return err
	}
	if err := f(s); err != nil {
		return errors.Join(err, s.Close())
	}
	return s.Close()
}

// folder returns the data folder, which must exist unless fresh.
func (c *userCommand) folder(fresh bool) (string, error) {
	if fresh {
		return openData(c.Data)
	}
	if _, err := os.Stat(c.Data); err != nil {
		return "", fmt.Errorf("there is no data folder %s; name the server's with --data", c.Data)
	}
	return c.Data, nil
}

// Run makes the account.
func (a *userAdd) Run(ctx context.Context, all *commandLine, std streams) error {
	if !wire.ValidAccount(a.Account) {
		return errors.New("an account is 1 to 100 of A-Z a-z 0-9 + . _ @ -")
	}
	password, err := newPassword(std)
	if err != nil {
		return err
	}
	return all.User.with(ctx, std, true, func(s *store.Store) error {
		err := s.CreateUser(ctx, store.User{Account: a.Account, Name: a.Name}, password)
		if errors.Is(err, store.ErrExists) {
			return fmt.Errorf("%s exists already; `neochat user password %s` sets its password", a.Account, a.Account)
		}
		if err == nil {
			fmt.Fprintln(std.out, "made", a.Account)
		}
		return err
	})
}

// Run sets the password.
func (p *userPassword) Run(ctx context.Context, all *commandLine, std streams) error {
	password, err := newPassword(std)
	if err != nil {
		return err
	}
	return all.User.with(ctx, std, false, func(s *store.Store) error {
		if err := unknown(s.SetPassword(ctx, p.Account, password), p.Account); err != nil {
			return err
		}
		fmt.Fprintln(std.out, "set the password of", p.Account, "and ended its sessions")
		return tellServer(ctx, all.User.Data, p.Account)
	})
}

// Run suspends the account, or lets it back in.
func (u *userSuspend) Run(ctx context.Context, all *commandLine, std streams) error {
	return all.User.with(ctx, std, false, func(s *store.Store) error {
		if err := unknown(s.SetSuspended(ctx, u.Account, !u.Undo), u.Account); err != nil {
			return err
		}
		if u.Undo {
			fmt.Fprintln(std.out, u.Account, "may log in again")
		} else {
			fmt.Fprintln(std.out, "suspended", u.Account, "and ended its sessions")
		}
		return tellServer(ctx, all.User.Data, u.Account)
	})
}

// Run deletes the account.
func (d *userDelete) Run(ctx context.Context, all *commandLine, std streams) error {
	return all.User.with(ctx, std, false, func(s *store.Store) error {
		if _, err := s.User(ctx, d.Account); err != nil {
			return unknown(err, d.Account)
		}
		if err := d.confirm(std); err != nil {
			return err
		}
		// Its groups and friends learn of it from what is stored, not at once.
		err := s.DeleteAccount(ctx, d.Account, func([]store.Posted) {}, func([]store.FriendEvent) {})
		if err != nil {
			return unknown(err, d.Account)
		}
		fmt.Fprintln(std.out, "deleted", d.Account)
		return tellServer(ctx, all.User.Data, d.Account)
	})
}

// confirm has a person type the account's name.
func (d *userDelete) confirm(std streams) error {
	if d.Yes {
		return nil
	}
	fmt.Fprintf(std.err, "Type %s to delete it for good: ", d.Account)
	line, err := bufio.NewReader(std.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if strings.TrimSpace(line) != d.Account {
		return errors.New("nothing was deleted; type the account's name, or say --yes")
	}
	return nil
}

// Run makes the code.
func (i *userInvite) Run(ctx context.Context, all *commandLine, std streams) error {
	if i.Uses < 1 || i.Uses > 100_000 || i.Days < 1 || i.Days > 3650 {
		return errors.New("--uses is from 1 to 100000, --days from 1 to 3650")
	}
	return all.User.with(ctx, std, false, func(s *store.Store) error {
		code, err := s.CreateInvitation(ctx, i.Uses, time.Now().AddDate(0, 0, i.Days))
		if err == nil {
			fmt.Fprintln(std.out, code)
		}
		return err
	})
}

// Run lists the accounts.
func (userList) Run(ctx context.Context, all *commandLine, std streams) error {
	return all.User.with(ctx, std, false, func(s *store.Store) error {
		table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ACCOUNT\tNAME\tSINCE\tSTATE")
		for after := ""; ; {
			page, err := s.Users(ctx, after, 500)
			if err != nil {
				return err
			}
			for _, u := range page {
				state := "active"
				switch {
				case u.Deleted:
					state = "deleted"
				case u.Suspended:
					state = "suspended"
				case u.Operator:
					state = "operator"
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", u.Account, oneLine(u.Name), u.RegistrationTime.Format("2006-01-02"), state)
				after = u.Account
			}
			if len(page) == 0 {
				return table.Flush()
			}
		}
	})
}

// oneLine makes what people chose safe for a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func unknown(err error, account string) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no account %s; `neochat user list` shows them", account)
	}
	return err
}

// newPassword takes a password that is long enough.
func newPassword(std streams) (string, error) {
	p, err := askPassword(std, "New password: ")
	if err != nil {
		return "", err
	}
	if len(p) < 8 || len(p) > 1024 {
		return "", errors.New("a password has 8 to 1024 bytes")
	}
	return p, nil
}

// askPassword reads a password from NEOCHAT_PASSWORD, the terminal (unseen) or standard input.
func askPassword(std streams, prompt string) (string, error) {
	if p := os.Getenv("NEOCHAT_PASSWORD"); p != "" {
		return p, nil
	}
	if onTerminal(std.in) {
		fmt.Fprint(std.err, prompt)
		b, err := term.ReadPassword(int(std.in.(*os.File).Fd()))
		fmt.Fprintln(std.err)
		return string(b), err
	}
	line, err := bufio.NewReader(std.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
