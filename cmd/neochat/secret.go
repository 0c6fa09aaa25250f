package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keptSecret is what something is signed with, kept in the data folder so that it outlives a restart; what, for people.
func keptSecret(data, name, what string) ([]byte, error) {
	path := filepath.Join(data, name)
	secret, err := os.ReadFile(path)
	if err == nil && len(secret) >= 32 {
		return secret, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	secret = make([]byte, 32)
	rand.Read(secret) // never fails
	if err := os.WriteFile(path, secret, 0o600); err != nil {
		return nil, fmt.Errorf("%s cannot be kept: %w", what, err)
	}
	return secret, nil
}
