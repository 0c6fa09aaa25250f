package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestControl(t *testing.T) {
	short, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	long := filepath.Join(short, strings.Repeat("long", 40))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"short path": short, "long path": long} {
		t.Run(name, func(t *testing.T) { testControl(t, data) })
	}
}

func testControl(t *testing.T, data string) {
	tell := func(account string) error { return tellServer(t.Context(), data, account) }
	if err := tell("ann"); err != nil {
		t.Errorf("without a server: %v", err)
	}
	looked := make(chan string, 10)
	look := func(_ context.Context, account string) error {
		looked <- account
		if account == "bad" {
			return errors.New("the database is away")
		}
		return nil
	}
	report := func(context.Context) (string, error) { return `{"version":"1"}`, nil }
	// What a killed server left behind.
	left, err := listenControl(data, look, report)
	if err != nil {
		t.Fatal(err)
	}
	defer left.close()
	if err := os.Rename(filepath.Join(data, controlName), filepath.Join(data, "aside")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, controlName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := listenControl(data, look, report)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(data, controlName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for account, fails := range map[string]bool{"ann": false, "bad": true} {
		if err := tell(account); (err != nil) != fails {
			t.Errorf("%s: %v", account, err)
		}
		if got := <-looked; got != account {
			t.Errorf("looked at %s, not %s", got, account)
		}
	}
	if got, err := askServer(t.Context(), data, "status"); err != nil || got != `{"version":"1"}` {
		t.Errorf("status: %q, %v", got, err)
	}
	c.close()
	if _, err := askServer(t.Context(), data, "status"); !errors.Is(err, errNoServer) {
		t.Errorf("status of nobody: %v", err)
	}
	if _, err := os.Stat(filepath.Join(data, controlName)); !os.IsNotExist(err) {
		t.Errorf("the socket stays: %v", err)
	}
	if err := tell("ann"); err != nil {
		t.Errorf("after the server: %v", err)
	}
}

// A folder that is not there has no server: a database elsewhere may be all there is.
func TestTellingNobody(t *testing.T) {
	for _, data := range []string{"missing", filepath.Join(t.TempDir(), strings.Repeat("missing", 30))} {
		if err := tellServer(t.Context(), data, "ann"); err != nil {
			t.Error(err)
		}
	}
}
