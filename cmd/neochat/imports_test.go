package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the house: each package of the product, and what of ours it may
// import. Packages below one of these live by the same rule, and may import its leaves.
var mayImport = map[string][]string{
	"cmd/neochat":      {"signaling", "media", "turn", "files", "port", "store", "wire", "clients/web", "clients/terminal", "clients/plugin", "backup", "doctor"},
	"backup":           {"store", "files"},
	"signaling":        {"wire", "store"},
	"media":            {},
	"turn":             {},
	"files":            {},
	"port":             {},
	"store":            {},
	"wire":             {},
	"doctor":           {"wire"},
	"clients/web":      {},
	"clients/sdk":      {"wire"},
	"clients/plugin":   {"wire", "clients/sdk"},
	"clients/terminal": {"wire", "clients/sdk", "clients/plugin"},
	"deploy":           {},
	"bench":            {"wire", "store", "media", "turn", "port", "files"},
}

// TestImports parses every Go file: imports point one way.
func TestImports(t *testing.T) {
	const root = "../.."
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		seen[checkFile(t, path, filepath.ToSlash(rel))] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range mayImport {
		if !seen[room] {
			t.Errorf("the house has a room %s, and no Go file is in it", room)
		}
	}
}

// checkFile holds one file's imports against the rule of its room, which it returns.
func checkFile(t *testing.T, path, dir string) string {
	room := roomOf(dir)
	allowed, ok := mayImport[room]
	if !ok {
		t.Errorf("%s is in no room of the house", path)
		return room
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return room
	}
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Error(err)
		}
		ours, ok := strings.CutPrefix(name, "neochat/")
		if ok && roomOf(ours) != room && !slices.Contains(allowed, roomOf(ours)) {
			t.Errorf("%s must not import %s", path, name)
		}
	}
	return room
}

// roomOf returns the longest room that dir is in.
func roomOf(dir string) string {
	best := ""
	for room := range mayImport {
		if (dir == room || strings.HasPrefix(dir, room+"/")) && len(room) > len(best) {
			best = room
		}
	}
	return best
}
