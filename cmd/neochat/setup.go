package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"neochat/store"
)

const (
	packageConfig = "/etc/neochat/neochat.toml" // where the package's unit looks
	packageData   = "/var/lib/neochat"
	packageUser   = "neochat"
)

// Whom the first invitation lets in: a few friends, this week.
const (
	firstUses = 5
	firstDays = 7
)

// setupCommand makes a server ready. A pointer that is nil was not said.
type setupCommand struct {
	Domain       *string `help:"Name under which people reach this server. \"\": it has none; the certificate is then of the server's own making, for a network of one's own." env:"NEOCHAT_DOMAIN"`
	Mail         *string `help:"Where the certificate authority writes to if something is wrong; \"\": nowhere." env:"NEOCHAT_ACME_MAIL"`
	Account      *string `help:"The first account, which is the operator's."`
	PasswordFile string  `help:"A file with the password of the account in its first line; or set NEOCHAT_PASSWORD." placeholder:"FILE" type:"path"`
	Yes          bool    `help:"Ask nothing; what flags do not say is as it would be proposed."`
	Force        bool    `help:"Replace a configuration that says something else without asking; the old one is kept beside it."`
	Write        string  `help:"The configuration file; /etc/neochat/neochat.toml for root, else neochat.toml here." placeholder:"FILE" type:"path"`
	Data         string  `help:"The data folder; /var/lib/neochat for root, else data here." placeholder:"FOLDER" type:"path"`
	Listen       *string `help:"TCP address, and the UDP port of the same number: :443, or :8443 for who may not have that."`
	Start        bool    `help:"Start the service and have it start with the system, where the package is installed." default:"true" negatable:""`
}

// setup is one run of the command.
type setup struct {
	*setupCommand
	std    streams
	parser *kong.Kong
	root   bool
	old    map[string]any // the configuration that is there; nil: none
	owner  owner          // of the data
	first  bool           // nobody has an account yet
}

// plan is what was decided; nothing of it is done yet.
type plan struct {
	domain, mail, account, password, listen string
	config                                  map[string]any // what the file is to say
}

// Run asks, checks everything, and only then changes anything.
func (c *setupCommand) Run(ctx context.Context, parser *kong.Kong, std streams) error {
	if !onTerminal(std.in) {
		std.in = bufio.NewReader(std.in) // one for all questions
	}
	s := &setup{setupCommand: c, std: std, parser: parser, root: os.Geteuid() == 0}
	if err := s.look(ctx); err != nil {
		return err
	}
	p, err := s.decide(ctx)
	if err != nil {
		return err
	}
	changed := !maps.Equal(s.old, p.config)
	if changed {
		if err := s.mayReplace(); err != nil {
			return err
		}
	}
	invitation, err := s.people(ctx, p)
	if err != nil {
		return err
	}
	if changed {
		if err := s.writeConfig(p.config); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(std.out, "unchanged", s.Write)
	}
	return s.finish(ctx, p, changed, invitation)
}

// look finds what is there already.
func (s *setup) look(ctx context.Context) (err error) {
	if s.Write == "" {
		s.Write = choose(s.root, packageConfig, "neochat.toml")
	}
	if s.old, err = readConfig(s.Write, s.parser); err != nil {
		return err
	}
	if s.Data == "" {
		s.Data = choose(s.root, packageData, "data")
		if kept, ok := s.old["data"].(string); ok {
			s.Data = kept
		}
	}
	if s.Data, err = filepath.Abs(s.Data); err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	if s.owner, err = ownerOf(s.Data, s.root); err != nil {
		return err
	}
	s.first, err = s.nobody(ctx)
	return err
}

func choose(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// database is the one that the configuration names, if it does.
func (s *setup) database() string {
	if name := os.Getenv("NEOCHAT_DATABASE"); name != "" {
		return name
	}
	name, _ := s.old["database"].(string)
	return name
}

// nobody reports whether there is no account.
func (s *setup) nobody(ctx context.Context) (none bool, err error) {
	if name := databaseName(s.database(), s.Data); store.IsFile(name) {
		if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
			return true, nil
		}
	}
	err = s.withStore(ctx, func(st *store.Store) error {
		users, err := st.Users(ctx, "", 1)
		none = len(users) == 0
		return err
	})
	return none, err
}

// withStore runs f on the database as the owner of the data.
func (s *setup) withStore(ctx context.Context, f func(*store.Store) error) error {
	return s.owner.act(func() error {
		log := slog.New(slog.NewTextHandler(s.std.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
		st, err := openStore(ctx, store.Config{Database: s.database()}, s.Data, log)
		if err != nil {
			return err
		}
		return errors.Join(f(st), st.Close())
	})
}

// people makes the first account, and an invitation for those who come next; "": neither was needed.
func (s *setup) people(ctx context.Context, p *plan) (invitation string, err error) {
	if !s.first {
		fmt.Fprintln(s.std.out, "unchanged accounts")
		return "", nil
	}
	if err := s.owner.makeFolder(s.Data); err != nil {
		return "", err
	}
	err = s.withStore(ctx, func(st *store.Store) error {
		if err := st.CreateUser(ctx, store.User{Account: p.account}, p.password); err != nil {
			return fmt.Errorf("making the account %s: %w", p.account, err)
		}
		fmt.Fprintf(s.std.out, "made the account %s, the operator's\n", p.account)
		invitation, err = st.CreateInvitation(ctx, firstUses, time.Now().AddDate(0, 0, firstDays))
		return err
	})
	return invitation, err
}

// finish starts the service, has the doctor look at it, and says what comes next.
func (s *setup) finish(ctx context.Context, p *plan, changed bool, invitation string) error {
	if err := s.fingerprint(p); err != nil {
		return err
	}
	running, err := s.service(ctx, p, changed)
	if err != nil {
		return err
	}
	if running && hasCommand(s.parser, "doctor") {
		fmt.Fprintln(s.std.out)
		if run(ctx, []string{"doctor", "--config", s.Write}, s.std) != 0 {
			fmt.Fprintln(s.std.out, "The doctor found what is told above. When it is mended: neochat doctor")
		}
	}
	fmt.Fprintf(s.std.out, "\nopen %s and log in", s.url(p))
	if s.first {
		fmt.Fprintf(s.std.out, " as %s", p.account)
	}
	fmt.Fprintln(s.std.out)
	if invitation == "" {
		fmt.Fprintf(s.std.out, "invite others with %s/#invite=CODE, where CODE is what `neochat user invite` prints\n", s.url(p))
		return nil
	}
	fmt.Fprintf(s.std.out, "invite others (%d people, %d days): %s/#invite=%s\n", firstUses, firstDays, s.url(p), invitation)
	return nil
}

func hasCommand(parser *kong.Kong, name string) bool {
	for _, node := range parser.Model.Children {
		if node.Name == name {
			return true
		}
	}
	return false
}

// mayReplace reports whether the configuration that is there may be replaced.
func (s *setup) mayReplace() error {
	if s.old == nil || s.Force {
		return nil
	}
	if !s.Yes {
		answer, err := s.ask(s.Write+" says something else. Replace it (the old one is kept beside it)? [y/N]", "n")
		if err != nil {
			return err
		}
		if strings.HasPrefix(strings.ToLower(answer), "y") {
			return nil
		}
	}
	return fmt.Errorf("%s says something else and is left as it is; nothing was changed. --force replaces it", s.Write)
}

// ask has a person answer; nothing means the proposal.
func (s *setup) ask(question, proposal string) (string, error) {
	fmt.Fprint(s.std.err, question+" ")
	line, err := bufio.NewReader(s.std.in).ReadString('\n')
	if err == io.EOF && line == "" {
		return "", fmt.Errorf("there is no answer to %q; say it with flags and --yes, see `neochat setup --help`", question)
	}
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	if line = strings.TrimSpace(line); line == "" {
		return proposal, nil
	}
	return line, nil
}
