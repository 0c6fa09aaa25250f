package main

import (
	"context"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"neochat/clients/web"
	"neochat/doctor"
)

// pagePolicy lets the web client load nothing from elsewhere, but for files from where they are kept, and be framed by nobody.
func pagePolicy(fileOrigins []string) string {
	files := strings.Join(append([]string{"'self'"}, fileOrigins...), " ")
	return "default-src 'self'; img-src " + files + " blob: data:; media-src " + files + " blob:; connect-src " + files + " ws: wss:; " +
		"style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
}

// routes is everything the one TCP port answers; fileOrigins are where it sends browsers for files.
func (h *house) routes(fileOrigins []string) http.Handler {
	mux := http.NewServeMux()
	talk := h.server.Handler()
	for _, path := range []string{"/message", "/cell", "/file", "/session", "/files/", "/uploads/", "/whip/", "/whep/"} {
		mux.Handle(path, talk)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET "+doctor.ReachPath, h.reach)
	mux.Handle("/", pages(web.Files(), web.Built(), pagePolicy(fileOrigins)))
	return mux
}

// ready reports whether the database and the store of files can be written.
func (h *house) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := h.store.Ping(ctx); err != nil {
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	if err := h.blobs.Check(ctx); err != nil {
		http.Error(w, "files cannot be written", http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ready\n"))
}

// pages serves the built web client. Files under assets/ carry a hash in their
// name and never change.
func pages(files fs.FS, built bool, policy string) http.Handler {
	serve := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !built && r.URL.Path == "/" {
			http.Error(w, "This binary was built without the web client. `make build` makes one with it.", http.StatusNotFound)
			return
		}
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self)")
		if strings.HasPrefix(r.URL.Path, "/assets/") {
			header.Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			header.Set("Cache-Control", "no-cache")
		}
		serve.ServeHTTP(w, r)
	})
}
