package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"time"

	"neochat/doctor"
)

// reach tells how calls reach this server, for those who look for what is in their way: nothing but what the answer to a call would say.
func (h *house) reach(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	answer := doctor.Reach{Time: time.Now().UTC(), TCP: tcpPort(h.doors.streams().Addr()), UDP: int(h.doors.udp.LocalAddr().Port()), TLS: h.cert != nil, Relay: h.lends,
		Own: interfaceAddresses(), Public: h.public.list(), Seen: h.hosts.seen(ctx, r.Host), UDPHeard: h.udp.Stats().Heard()}
	if local(h.tcp.Addr()) {
		answer.Own = append(answer.Own, h.tcp.Addr().(*net.TCPAddr).AddrPort().Addr().Unmap())
	}
	for _, list := range []*[]netip.Addr{&answer.Public, &answer.Seen} {
		if *list == nil {
			*list = []netip.Addr{} // which JSON writes as a list
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(answer)
}

// interfaceAddresses are the machine's own, but for those that lead to nobody else.
func interfaceAddresses() []netip.Addr {
	own := []netip.Addr{}
	addrs, _ := net.InterfaceAddrs() // without them there are still the others
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			own = append(own, p.Addr().Unmap())
		}
	}
	return own
}
