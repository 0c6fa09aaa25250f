// Package web holds the built web client, so that the one binary can serve it.
package web

import (
	"embed"
	"io/fs"
)

// dist is filled by `npm run build`; in a fresh checkout it holds .gitkeep alone.
//
//go:embed all:dist
var dist embed.FS

// Files returns the built client with index.html at its root. Before the client was built it holds no page: ask Built.
func Files() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return dist // cannot happen: the directive above names the folder
	}
	return sub
}

// Built reports whether the client was built before this binary was compiled.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}
