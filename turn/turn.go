// Package turn is the place of the embedded relay (TURN, RFC 8656), which the
// server does not have yet: calls reach it over UDP on its media port. The relay
// will take its sockets from the caller and reach nothing but this server's own
// media unless its operator says otherwise.
package turn
