package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"
)

// toolsConfig is the package's configuration file for the commands that look after its server, so that they find the
// data without being told; "" where something else is said or there is none to read.
func toolsConfig(args []string) string {
	if len(args) == 0 {
		return ""
	}
	switch args[0] {
	case "serve", "setup", "chat", "config", "healthcheck":
		return ""
	}
	for _, a := range args {
		if strings.HasPrefix(a, "--data") || strings.HasPrefix(a, "--database") {
			return ""
		}
	}
	if os.Getenv("NEOCHAT_DATA") != "" || os.Getenv("NEOCHAT_DATABASE") != "" {
		return ""
	}
	f, err := os.Open(packageConfig)
	if err != nil {
		return ""
	}
	f.Close()
	return packageConfig
}

// readConfig returns what a file sets; nil: there is no file.
func readConfig(path string, parser *kong.Kong) (map[string]any, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	values := map[string]any{}
	if err := toml.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("the configuration file %s is not TOML: %w; mend it or move it away", path, err)
	}
	return values, checkKeys(path, values, parser)
}

// configText is the sample with values in it.
func configText(parser *kong.Kong, values map[string]any) (string, error) {
	var b strings.Builder
	for line := range strings.Lines(sampleConfig(parser)) {
		key, _, ok := strings.Cut(strings.TrimPrefix(line, "#"), " = ")
		value, set := values[key]
		if !ok || !strings.HasPrefix(line, "#") || !set {
			b.WriteString(line)
			continue
		}
		text, err := toml.Marshal(map[string]any{key: value})
		if err != nil {
			return "", fmt.Errorf("writing %s: %w", key, err)
		}
		b.Write(text)
	}
	return b.String(), nil
}

// writeConfig writes the file whole or not at all, for its owner and the server's group to read: it may hold the
// database's password.
func (s *setup) writeConfig(values map[string]any) (err error) {
	text, err := configText(s.parser, values)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(s.Write)
	if err == nil && !bytes.Equal(old, []byte(text)) {
		if err := s.put(s.Write+".old", old); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(s.Write), 0o755); err != nil {
		return fmt.Errorf("the configuration's folder: %w", err)
	}
	if err := s.put(s.Write, []byte(text)); err != nil {
		return err
	}
	fmt.Fprintln(s.std.out, "wrote", s.Write)
	return nil
}

func (s *setup) put(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".neochat-")
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o640))
	if s.root {
		err = errors.Join(err, f.Chown(0, s.owner.gid))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing the configuration: %w", err)
	}
	return nil
}
