package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"neochat/doctor"
)

// doctorCommand takes the flags of serve, for it looks at what a server with them would be.
type doctorCommand struct {
	From     string        `help:"Look at this server from here: https://chat.example.org, http://192.168.1.10:8080. Without it the machine is looked at on which this runs, with the server's own flags, environment and configuration file." placeholder:"URL"`
	Account  string        `help:"With --from: log in with this account, which trying the relay takes. The password is asked for, or taken from NEOCHAT_PASSWORD."`
	Patience time.Duration `help:"With --from: how long an idle WebSocket is watched." default:"70s"`
	Timeout  time.Duration `help:"With --from: how long one step may take." default:"6s"`
	TimeFrom string        `help:"A web server whose clock is right, to compare with; http:// works also while the clock is wrong." placeholder:"URL"`
	As       string        `help:"The user that the service runs as. Without it the owner of the data folder; only root can look as another." placeholder:"USER"`
	JSON     bool          `name:"json" help:"Print the findings as JSON."`
	List     bool          `help:"List what is looked at."`

	serveCommand `embed:""`
}

// Help says what --help says beyond the flags.
func (doctorCommand) Help() string {
	return "The exit code is 0 where nothing is wrong, 1 where something is, 2 where it could not look."
}

// exitCode ends the program with a code of its own.
type exitCode struct {
	code int
	err  error // nil: all has been said
}

func (e *exitCode) Error() string { return fmt.Sprint(e.err) }
func (e *exitCode) Unwrap() error { return e.err }

// Run looks, and prints what it finds.
func (c *doctorCommand) Run(ctx context.Context, std streams) error {
	if c.List {
		return listChecks(std.out)
	}
	show := func(f doctor.Finding) { showFinding(std.out, f) }
	if c.JSON {
		show = func(doctor.Finding) {}
	}
	look := c.host
	if c.From != "" {
		look = c.visit
	}
	all, err := look(ctx, std, show)
	if err != nil {
		return &exitCode{2, err}
	}
	if c.JSON {
		out := json.NewEncoder(std.out)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		if err := out.Encode(map[string]any{"findings": all}); err != nil {
			return err
		}
	}
	if doctor.Failed(all) {
		return &exitCode{1, nil}
	}
	return nil
}

// visit looks at a server from here.
func (c *doctorCommand) visit(ctx context.Context, std streams, show func(doctor.Finding)) ([]doctor.Finding, error) {
	if c.Patience <= 0 || c.Timeout <= 0 {
		return nil, errors.New("--patience and --timeout must be more than nothing")
	}
	v := doctor.Visit{URL: c.From, Account: c.Account, Timeout: c.Timeout, Patience: c.Patience, TimeFrom: c.TimeFrom, Each: show}
	if c.Account != "" {
		var err error
		if v.Password, err = askPassword(std, "Password of "+c.Account+": "); err != nil {
			return nil, err
		}
	}
	return v.Look(ctx)
}

func listChecks(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range doctor.Checks() {
		where := map[string]string{"host": "on the server", "visit": "with --from", "both": "both"}[c.Side]
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Name, where, c.What)
	}
	return w.Flush()
}

// showFinding prints one for people.
func showFinding(out io.Writer, f doctor.Finding) {
	word := map[doctor.State]string{doctor.OK: "ok", doctor.Skip: "-", doctor.Warn: "WARN", doctor.Fail: "FAIL"}[f.State]
	fmt.Fprintf(out, "%-5s %-12s %s\n", word, f.Check, f.Note)
	if f.Remedy != "" {
		fmt.Fprintf(out, "      %-12s → %s\n", "", f.Remedy)
	}
}

// report collects findings and shows each at once.
type report struct {
	all  []doctor.Finding
	show func(doctor.Finding)
}

func (r *report) add(all ...doctor.Finding) {
	for _, f := range all {
		r.all = append(r.all, f)
		r.show(f)
	}
}

// host looks at this machine. What takes root comes first; the rest is done as the service's user.
func (c *doctorCommand) host(ctx context.Context, _ streams, show func(doctor.Finding)) ([]doctor.Finding, error) {
	r := &report{show: show}
	who, err := serviceUser(c.As, c.Data)
	if err != nil {
		return nil, err
	}
	if f := c.lookConfig(); f.State != doctor.OK {
		r.add(f)
		return r.all, nil
	}
	r.add(doctor.Good("config", "the configuration fits together"))
	r.add(c.lookPorts(ctx, who.name)...)
	if err := who.become(); err != nil {
		return nil, err
	}
	usable := c.lookData(r, who.name)
	if usable {
		r.add(doctor.JudgeDisk(c.Data), c.lookDatabase(ctx, who.name), c.lookFiles(ctx))
	}
	if f, ok := c.lookCertificate(who.name); ok {
		r.add(f)
	}
	r.add(c.lookAddresses(ctx)...)
	r.add(doctor.JudgeClock(ctx, doctor.Network{}, c.TimeFrom))
	return r.all, ctx.Err()
}

func (c *doctorCommand) lookConfig() doctor.Finding {
	_, err := c.limits()
	if err == nil {
		err = c.check()
	}
	if err == nil {
		_, err = newPublicAddresses(c.PublicIP, nil)
	}
	if err == nil && (c.MinPassword < 1 || c.MinPassword > 1024) {
		err = errors.New("--min-password must be from 1 to 1024")
	}
	if err != nil {
		return doctor.Found("config-wrong", "error", err.Error())
	}
	return doctor.Good("config", "")
}

// lookData tells whether the folder is one that the rest can look into.
func (c *doctorCommand) lookData(r *report, user string) bool {
	info, err := os.Stat(c.Data)
	switch {
	case errors.Is(err, os.ErrNotExist):
		r.add(doctor.Good("data", "there is no folder "+c.Data+" yet; the first start makes it"))
		return false
	case err == nil && !info.IsDir():
		err = errors.New("it is no folder")
	case err == nil:
		err = doctor.TryFolder(c.Data)
	}
	if err != nil {
		r.add(doctor.Found("data-unwritable", "path", c.Data, "user", user, "error", plain(err)))
		return false
	}
	r.add(doctor.Good("data", user+" can write to "+c.Data))
	return true
}

// plain is an error without the path that stands around it already.
func plain(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
