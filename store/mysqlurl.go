package store

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// mysqlForm is what an error says of how to name a database. No error has the name that was given: it
// may hold a password.
const mysqlForm = "a database is mysql://user:password@host:port/name or mysql://user:password@unix(/path/of/socket)/name, " +
	"with ?tls=true, false, preferred or skip-verify, special characters percent-encoded"

// parseMySQL reads the name of a database.
func parseMySQL(name string) (*mysql.Config, error) {
	rest, query, _ := strings.Cut(strings.TrimPrefix(name, mysqlScheme), "?")
	cfg := mysql.NewConfig()
	cfg.Timeout = mysqlDialTimeout
	cfg.MaxAllowedPacket = 0 // what the server allows
	cfg.ClientFoundRows = true
	cfg.Logger = &mysql.NopLogger{}
	if err := mysql.Charset("utf8mb4", "")(cfg); err != nil {
		return nil, err
	}
	at := strings.LastIndexByte(rest, '@')
	if err := setMySQLUser(cfg, rest[:max(at, 0)]); err != nil {
		return nil, err
	}
	if err := setMySQLAddress(cfg, rest[at+1:]); err != nil {
		return nil, err
	}
	return cfg, setMySQLOptions(cfg, query)
}

func setMySQLUser(cfg *mysql.Config, info string) error {
	user, password, _ := strings.Cut(info, ":")
	var errUser, errPassword error
	cfg.User, errUser = url.PathUnescape(user)
	cfg.Passwd, errPassword = url.PathUnescape(password)
	if errUser != nil || errPassword != nil || cfg.User == "" {
		return fmt.Errorf("the database's user or password cannot be read: %s", mysqlForm)
	}
	return nil
}

func setMySQLAddress(cfg *mysql.Config, rest string) error {
	path, isSocket := strings.CutPrefix(rest, "unix(")
	if isSocket {
		var closed bool
		cfg.Net = "unix"
		if cfg.Addr, rest, closed = strings.Cut(path, ")/"); !closed || cfg.Addr == "" {
			return fmt.Errorf("the path of the database's socket cannot be read: %s", mysqlForm)
		}
	} else {
		cfg.Net = "tcp"
		cfg.Addr, rest, _ = strings.Cut(rest, "/")
		u, err := url.Parse("//" + cfg.Addr)
		if err != nil || u.Hostname() == "" || u.Host != cfg.Addr || strings.ContainsAny(cfg.Addr, "()") {
			return fmt.Errorf("the database's host cannot be read: %s", mysqlForm)
		}
		if u.Port() == "" {
			cfg.Addr = net.JoinHostPort(u.Hostname(), "3306")
		}
	}
	var err error
	if cfg.DBName, err = url.PathUnescape(rest); err != nil || cfg.DBName == "" {
		return fmt.Errorf("the name of the database is missing: %s", mysqlForm)
	}
	return nil
}

func setMySQLOptions(cfg *mysql.Config, query string) error {
	options, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the options of the database cannot be read: " + mysqlForm)
	}
	for key, values := range options {
		if key != "tls" {
			return errors.New("the database has an option other than tls: " + mysqlForm)
		}
		cfg.TLSConfig = values[0]
	}
	switch cfg.TLSConfig {
	case "", "true", "false", "preferred", "skip-verify":
		return nil
	}
	return errors.New("the database's tls is none of the known: " + mysqlForm)
}

// mysqlPlace names the database without its password.
func mysqlPlace(cfg *mysql.Config) string {
	address := cfg.Addr
	if cfg.Net == "unix" {
		address = "unix(" + cfg.Addr + ")"
	}
	return mysqlScheme + url.PathEscape(cfg.User) + "@" + address + "/" + url.PathEscape(cfg.DBName)
}
