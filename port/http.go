package port

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
)

// secured is the key of a connection's TLS state in its context.
type secured struct{}

// ConnContext is for http.Server: it remembers the TLS of connections that net/http does not know to have any.
func (t *TCP) ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if s, ok := conn.(*secureConn); ok {
		state := s.ConnectionState()
		return context.WithValue(ctx, secured{}, &state)
	}
	return ctx
}

// Handler sets http.Request.TLS wherever a request came through TLS. Where there is TLS and a request came without, it is
// sent on to https, unless TCPConfig.PlainHTTP says otherwise. It works with ConnContext only.
func (t *TCP) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if state, ok := r.Context().Value(secured{}).(*tls.ConnectionState); ok && r.TLS == nil {
			r.TLS = state
		}
		if r.TLS == nil && t.tls != nil && !t.config.PlainHTTP {
			ToHTTPS(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ToHTTPS sends a request on to the same place over https. One that carried something is refused instead: it has been in the clear.
func ToHTTPS(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.Host == "" {
		http.Error(w, "Only https is served here.", http.StatusForbidden)
		return
	}
	http.Redirect(w, r, "https://"+strings.TrimSuffix(r.Host, ":80")+r.URL.RequestURI(), http.StatusPermanentRedirect)
}
