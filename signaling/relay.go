package signaling

import (
	"strconv"
	"strings"

	"neochat/wire"
)

// lendRelay answers with what this device needs to send its media through the relay.
func lendRelay(q *request) error {
	if q.c.srv.cfg.Relay == nil {
		return refusal(wire.StatNotFound, "this server has no relay")
	}
	access, err := q.c.relayAccess()
	if err != nil {
		return err
	}
	if len(access.URLs) == 0 {
		return refusal(wire.StatNotFound, "this server does not know where you find its relay")
	}
	q.c.answer(item{data: wire.End(access.append(q.head(wire.StatOK)))})
	return nil
}

// relayAccess is what this connection's session may use the relay with; nothing where there is none.
func (c *conn) relayAccess() (RelayAccess, error) {
	if c.srv.cfg.Relay == nil {
		return RelayAccess{}, nil
	}
	return c.srv.cfg.Relay.Access(c.account, *c.session.Load(), c.host)
}

// append writes the lines that a browser makes an RTCIceServer of.
func (a RelayAccess) append(b []byte) []byte {
	if len(a.URLs) == 0 {
		return b
	}
	b = wire.Append(b, "turn_urls", strings.Join(a.URLs, ","))
	b = wire.Append(b, "turn_username", a.Username)
	b = wire.Append(b, "turn_password", a.Password)
	return wire.Append(b, "turn_lifetime", strconv.Itoa(int(a.Lifetime.Seconds())))
}

// endLent ends what sessions of an account have at the relay, and their streams over HTTP; without any named, all of the first, and
// of the second what belongs to sessions that are no longer good.
func (s *Server) endLent(account string, sessions ...string) {
	s.streams.endSessions(account, sessions)
	if s.cfg.Relay == nil {
		return
	}
	if len(sessions) == 0 {
		s.cfg.Relay.RevokeAccount(account)
	}
	for _, id := range sessions {
		s.cfg.Relay.Revoke(account, id)
	}
}
