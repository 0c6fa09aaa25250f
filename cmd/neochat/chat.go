package main

import (
	"context"
	"os"

	"golang.org/x/term"

	"neochat/clients/terminal"
)

type chatCommand struct {
	Server   string `help:"Address of the server." default:"http://localhost:8080" env:"NEOCHAT_SERVER"`
	Account  string `help:"Your account." required:"" env:"NEOCHAT_ACCOUNT"`
	Register bool   `help:"Make the account first."`
	Invite   string `help:"A code to register with, where the server asks for one."`
	Device   string `help:"A name for this device, which then starts at now; without one the server sends what you missed."`
	State    string `help:"A file that keeps how far the chat came and what was not sent, so that the next one with it goes on there." type:"path"`
}

// Help says what --help says beyond the flags.
func (chatCommand) Help() string {
	return "The password is asked for, or taken from NEOCHAT_PASSWORD. In the chat, /help lists the commands. In a pipe every line of standard input is sent or carried out; the exit code is 5 when one could not be."
}

// Run chats until the input ends.
func (c *chatCommand) Run(ctx context.Context, std streams) error {
	return terminal.Run(ctx, terminal.Options{URL: c.Server, Account: c.Account, Register: c.Register, Invite: c.Invite, Device: c.Device, State: c.State,
		In: std.in, Out: std.out, Err: std.err, Interactive: onTerminal(std.in) && onTerminal(std.out)})
}

func onTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
