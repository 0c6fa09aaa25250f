// Package turn is the embedded relay (TURN, RFC 8656). Its sockets are handed in.
// Unless its operator says otherwise it reaches nothing but this server's own
// media, and that without a socket: there is nothing to abuse, and no second port.
//
// The library (pion/turn) authenticates requests and keeps lifetimes, permissions
// and channels. A gate stands in front of it for each socket: it hands requests to
// the library one by one, corrects its answers where they are not those of the RFC,
// and keeps everything else from it. Packets never pass the library:
//
//	client → gate → allocation → policy, bandwidth → Inside, or a relay socket
//	Inside, or a relay socket → allocation → permission, channel, bandwidth → client
//
// Nobody waits for a receiver: what does not fit a queue is dropped and counted.
package turn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Relay is the TURN server of one process. Its methods may be called from any goroutine.
type Relay struct {
	cfg      Config
	mint     *mint
	policy   Policy
	start    time.Time
	bucket   *bucket // of all allocations
	dummies  *dummies
	sockets  relaySockets
	counters counters
	done     chan struct{}  // closed by Close
	running  sync.WaitGroup // our goroutines, and allocations until the library has deleted them

	mu          sync.Mutex
	closed      bool                     // guarded by mu
	gates       []*gate                  // guarded by mu
	allocations map[*allocation]struct{} // guarded by mu
	perAccount  map[string]int           // guarded by mu
	perAddress  map[netip.Prefix]int     // guarded by mu; of connections
	revoked     revocations              // guarded by mu
}

// New makes a relay that serves nothing yet.
func New(cfg Config) (*Relay, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Relay{
		cfg: cfg, start: time.Now(), bucket: newBucket(cfg.Limits.TotalBytesPerSecond), dummies: newDummies(), done: make(chan struct{}),
		allocations: map[*allocation]struct{}{}, perAccount: map[string]int{}, perAddress: map[netip.Prefix]int{}, revoked: newRevocations(),
	}
	if r.mint, err = newMint(cfg.Secret, cfg.Lifetime); err != nil {
		return nil, err
	}
	if cfg.Outside == nil {
		return r, nil
	}
	if err := cfg.Outside.validate(); err != nil {
		return nil, err
	}
	if r.policy, err = NewPolicy(cfg.Outside.Allow, cfg.Outside.Own); err != nil {
		return nil, err
	}
	if r.sockets, err = newRelaySockets(r); err != nil {
		return nil, fmt.Errorf("turn: relay sockets: %w", err)
	}
	return r, nil
}

// clock is in ns and only goes forward.
func (r *Relay) clock() int64 { return int64(time.Since(r.start)) }

// Credentials makes a username and password for a device of an account; device may be
// empty. They open allocations for as long as it says, unless they are revoked.
func (r *Relay) Credentials(account, device string) (username, password string, lifetime time.Duration, err error) {
	if account == "" || len(account) > maxAccount || len(device) > maxDevice {
		return "", "", 0, fmt.Errorf("turn: no credentials for an account of %d bytes and a device of %d", len(account), len(device))
	}
	username = r.mint.username(identity{account, device}, r.cfg.Now())
	return username, r.mint.password(username), r.cfg.Lifetime, nil
}

// Revoke ends the allocations of one device of an account at once, and refuses
// the credentials it was given up to now. It is remembered for as long as one could
// be used, but not over a restart.
func (r *Relay) Revoke(account, device string) {
	id := identity{account, device}
	r.revoke(func(v revocations, now time.Time) { v.devices[id] = now }, func(i identity) bool { return i == id })
}

// RevokeAccount does the same for all devices of an account.
func (r *Relay) RevokeAccount(account string) {
	r.revoke(func(v revocations, now time.Time) { v.accounts[account] = now }, func(i identity) bool { return i.account == account })
}

func (r *Relay) revoke(mark func(revocations, time.Time), concerns func(identity) bool) {
	now := r.cfg.Now()
	r.mu.Lock()
	r.revoked.forget(now.Add(-r.cfg.Lifetime))
	mark(r.revoked, now)
	var over []*allocation
	for a := range r.allocations {
		if concerns(a.identity) {
			over = append(over, a)
		}
	}
	r.mu.Unlock()
	for _, a := range over {
		a.end()
	}
}

// isRevoked tells whether a credential has been taken back.
func (r *Relay) isRevoked(g grant) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.revoked.covers(g)
}

// way is how a peer is reached.
type way uint8

const (
	nowhere way = iota
	inside
	outside
)

func (r *Relay) way(to netip.AddrPort) way {
	switch {
	case r.cfg.Inside != nil && r.cfg.Inside.Reaches(to):
		return inside
	case r.cfg.Outside != nil && r.policy.Allows(to.Addr()) && to.Port() != 0:
		return outside
	}
	return nowhere
}

// hosts tells whether a permission for an address makes sense.
func (r *Relay) hosts(addr netip.Addr) bool {
	return r.cfg.Inside != nil && r.cfg.Inside.Hosts(addr) || r.cfg.Outside != nil && r.policy.Allows(addr)
}

// allocate makes an allocation within the quotas, or says why not. The rest of it
// is set by the caller, who also opens it.
func (r *Relay) allocate(a *allocation, g grant) (refusal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return refusedTotalQuota, false
	case r.revoked.covers(g):
		return refusedCredentials, false
	case len(r.allocations) >= r.cfg.Limits.Allocations:
		return refusedTotalQuota, false
	case r.perAccount[g.account] >= r.cfg.Limits.AllocationsPerAccount:
		return refusedAccountQuota, false
	}
	r.allocations[a] = struct{}{}
	r.perAccount[g.account]++
	r.running.Add(1)
	return 0, true
}

// release undoes allocate and open.
func (r *Relay) release(a *allocation) {
	if a.detach != nil {
		a.detach()
	}
	if a.socket != nil {
		_ = a.socket.Close()
	}
	if a.dummy.IsValid() {
		r.dummies.give(a.dummy)
	}
	r.mu.Lock()
	delete(r.allocations, a)
	if r.perAccount[a.identity.account]--; r.perAccount[a.identity.account] == 0 {
		delete(r.perAccount, a.identity.account)
	}
	r.mu.Unlock()
	r.running.Done()
}

// open gives an allocation its relayed address, with an even port if that is
// wanted, and what is behind it.
func (r *Relay) open(a *allocation, six, even bool) (refusal, error) {
	if r.cfg.Outside != nil {
		address, ok := r.cfg.Outside.address(six)
		if !ok {
			return refusedFamily, errors.New("turn: no relay address of this family")
		}
		if err := r.openSocket(a, address, even); err != nil {
			return refusedNoPort, err
		}
		if r.cfg.Inside == nil {
			return 0, nil
		}
	}
	var ok bool
	if a.dummy, ok = r.dummies.take(six, even); !ok {
		return refusedNoPort, errors.New("turn: no relayed address is free")
	}
	if r.cfg.Outside == nil {
		a.relayed = a.dummy
	}
	var err error
	if a.inside, a.detach, err = r.cfg.Inside.Attach(a.dummy, a.deliver); err != nil {
		return refusedNoPort, fmt.Errorf("turn: attaching: %w", err)
	}
	return 0, nil
}

// add takes a gate and its goroutine in, unless the relay is closed.
func (r *Relay) add(g *gate) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return net.ErrClosed
	}
	r.gates = append(r.gates, g)
	r.running.Add(1)
	return nil
}

// Close ends all allocations and closes every socket that was handed in. When it
// returns, nothing is left running.
func (r *Relay) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	gates := r.gates
	r.mu.Unlock()
	close(r.done)
	var errs []error
	for _, g := range gates {
		errs = append(errs, g.Close())
	}
	r.running.Wait()
	if r.sockets != nil {
		errs = append(errs, r.sockets.Close())
	}
	return errors.Join(errs...)
}
