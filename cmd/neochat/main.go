// Command neochat is the whole server in one binary, with the tools that go with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"neochat/clients/terminal"
)

// version is set by the Makefile.
var version = "dev"

// commandLine is what one can type, put in files and set in the environment.
type commandLine struct {
	Config string `help:"Read the configuration from this TOML file." type:"path" placeholder:"FILE" env:"NEOCHAT_CONFIG"`

	Serve    serveCommand     `cmd:"" help:"Run the server."`
	User     userCommand      `cmd:"" help:"Manage accounts; works while the server runs."`
	Backup   backupCommand    `cmd:"" help:"Add a snapshot of the server's data to a backup, while it runs."`
	Restore  restoreCommand   `cmd:"" help:"Restore a backup into an empty data folder."`
	Verify   verifyCommand    `cmd:"" help:"Examine a backup, or the server's data; works while the server runs."`
	Files    filesCommand     `cmd:"" help:"Move the bytes of files, or examine them."`
	Database databaseCommand  `cmd:"" help:"Move the database, or look at its schema."`
	Status   statusCommand    `cmd:"" help:"Ask the running server how it is; exit code 3 where none runs."`
	Chat     chatCommand      `cmd:"" help:"Chat from this terminal."`
	Doctor   doctorCommand    `cmd:"" help:"Find out what keeps a server from working or from being reached, and what to change."`
	Describe describeCommand  `cmd:"" name:"config" help:"About the configuration."`
	Setup    setupCommand     `cmd:"" help:"Make a server ready for people: configuration, first account, service, invitation."`
	Health   healthCommand    `cmd:"" name:"healthcheck" help:"Ask a running server whether it is well; for images and scripts."`
	Version  kong.VersionFlag `help:"Print the version and end."`
}

// streams are the ends of the process, so that tests can hold them.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run does what args say and returns the exit code: 0 done, 2 not understood,
// 1 failed; chat and status have further ones.
func run(ctx context.Context, args []string, std streams) (code int) {
	var line commandLine
	exited := -1
	parser, err := kong.New(&line, kong.Name("neochat"), kong.Description("Your own place to talk: text chat, calls and files in one binary."),
		kong.Vars{"version": version}, kong.Writers(std.out, std.err), kong.UsageOnError(),
		kong.Exit(func(n int) { exited = n }), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(std))
	if err != nil {
		fmt.Fprintln(std.err, "neochat:", err)
		return 2
	}
	if err := useConfigFile(parser, args); err != nil {
		fmt.Fprintln(std.err, "neochat:", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(std.err, "neochat: %v\nTry: neochat --help\n", err)
		return 2
	}
	if err := parsed.Run(); err != nil {
		if end := new(exitCode); errors.As(err, &end) {
			if end.err != nil {
				fmt.Fprintln(std.err, "neochat:", end.err)
			}
			return end.code
		}
		fmt.Fprintln(std.err, "neochat:", err)
		return terminal.ExitCode(err)
	}
	return 0
}
