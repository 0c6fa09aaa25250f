package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"neochat/clients/plugin"
	"neochat/clients/terminal"
)

type chatCommand struct {
	Server   string `help:"Address of the server." default:"http://localhost:8080" env:"NEOCHAT_SERVER"`
	Account  string `help:"Your account." required:"" env:"NEOCHAT_ACCOUNT"`
	Register bool   `help:"Make the account first."`
	Invite   string `help:"A code to register with, where the server asks for one."`
	Device   string `help:"A name for this device, which then starts at now; without one the server sends what you missed."`
	State    string `help:"A file that keeps how far the chat came and what was not sent, so that the next one with it goes on there." type:"path"`

	Plugin        []string `help:"Start a program that chats for you, and end it with the chat; may be given several times. What it may do is granted with /plugins." placeholder:"NAME=COMMAND" sep:"none"`
	Plugins       bool     `help:"Let such programs connect by themselves."`
	PluginAddress string   `help:"Let them connect to this address and port of the loopback, too." placeholder:"127.0.0.1:PORT"`
}

// Help says what --help says beyond the flags.
func (chatCommand) Help() string {
	return "The password is asked for, or taken from NEOCHAT_PASSWORD. In the chat, /help lists the commands. In a pipe every line of standard input is sent or carried out; the exit code is 5 when one could not be."
}

// Run chats until the input ends.
func (c *chatCommand) Run(ctx context.Context, std streams) error {
	plugins, err := c.plugins()
	if err != nil {
		return err
	}
	return terminal.Run(ctx, terminal.Options{Plugins: plugins, URL: c.Server, Account: c.Account, Register: c.Register, Invite: c.Invite, Device: c.Device, State: c.State,
		In: std.in, Out: std.out, Err: std.err, Interactive: onTerminal(std.in) && onTerminal(std.out)})
}

// plugins reads what is to be hosted; nil: nothing.
func (c *chatCommand) plugins() (*terminal.PluginOptions, error) {
	if !c.Plugins && len(c.Plugin) == 0 && c.PluginAddress == "" {
		return nil, nil
	}
	o := &terminal.PluginOptions{Address: c.PluginAddress}
	for _, s := range c.Plugin {
		command, err := plugin.ParseCommand(s)
		if err != nil {
			return nil, fmt.Errorf("--plugin: %w", err)
		}
		o.Commands = append(o.Commands, command)
	}
	return o, nil
}

func onTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
