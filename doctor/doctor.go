// Package doctor finds out why a NeoChat server cannot be reached or does not work, and says what to change. A Visit looks at a server from
// any machine; a Host looks at the machine that the server runs on. Both are lists of small checks. What a check may find is in Faults,
// each with its cause and its remedy, and docs/doctor.md tells the same to people.
package doctor

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// State is how a check ended.
type State string

// The states, from best to worst.
const (
	OK   State = "ok"
	Skip State = "skip" // it could not be tried, and Note says why
	Warn State = "warn" // it works, but not as it should
	Fail State = "fail"
)

// Finding is what one check found.
type Finding struct {
	Check  string `json:"check"`
	State  State  `json:"state"`
	Fault  string `json:"fault,omitempty"` // the ID of one of Faults
	Note   string `json:"note"`            // one sentence: what was seen, or the cause of the fault
	Remedy string `json:"remedy,omitempty"`
}

// Failed tells whether any finding is a failure.
func Failed(all []Finding) bool {
	for _, f := range all {
		if f.State == Fail {
			return true
		}
	}
	return false
}

// good is the finding of a check without a fault.
func good(check, note string) Finding { return Finding{Check: check, State: OK, Note: note} }

// skipped is the finding of a check that could not be tried.
func skipped(check, why string) Finding { return Finding{Check: check, State: Skip, Note: why} }

// Network is how a check reaches others and tells the time. The zero value is the machine's own.
type Network struct {
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error) // as net.Resolver.LookupNetIP
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)  // as net.Dialer.DialContext
	Now    func() time.Time
}

func (n Network) withDefaults() Network {
	if n.Lookup == nil {
		n.Lookup = (&net.Resolver{PreferGo: true}).LookupNetIP
	}
	if n.Dial == nil {
		n.Dial = (&net.Dialer{}).DialContext
	}
	if n.Now == nil {
		n.Now = time.Now
	}
	return n
}

// private tells whether an address means something only near its machine.
func private(a netip.Addr) bool {
	a = a.Unmap()
	carrier := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10) // RFC 6598
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || carrier.Contains(a)
}
