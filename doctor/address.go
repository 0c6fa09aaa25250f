package doctor

import (
	"context"
	"net/netip"
	"slices"
)

// Addresses is what is known of where a server is.
type Addresses struct {
	Own        []netip.Addr            // of its interfaces
	Configured []netip.Addr            // public_ip
	Asked      []netip.Addr            // what a STUN server saw
	Names      map[string][]netip.Addr // what the names of the server lead to
	Silent     map[string]error        // names that led nowhere
	Order      []string                // the names, the main one first
}

// Resolve looks the names up.
func (a *Addresses) Resolve(ctx context.Context, n Network, names []string) {
	n = n.withDefaults()
	a.Names, a.Silent, a.Order = map[string][]netip.Addr{}, map[string]error{}, names
	for _, name := range names {
		addrs, err := n.Lookup(ctx, "ip", name)
		for _, one := range addrs {
			a.Names[name] = append(a.Names[name], one.Unmap())
		}
		a.Silent[name] = err
	}
}

// public are the addresses that lead here for sure: public ones of the interfaces, and what was asked.
func (a *Addresses) public() []netip.Addr {
	all := slices.Clone(a.Asked)
	for _, one := range a.Own {
		if !private(one) {
			all = append(all, one)
		}
	}
	return all
}

// JudgeAddress tells whether people elsewhere are told an address that leads here.
func (a *Addresses) JudgeAddress() Finding {
	sure := a.public()
	for _, one := range a.Configured {
		same := func(b netip.Addr) bool { return b.Is4() == one.Is4() }
		if i := slices.IndexFunc(sure, same); i >= 0 && !slices.Contains(sure, one) && !slices.Contains(a.Own, one) {
			return found("", "address-wrong", facts{"configured", one.String(), "found", sure[i].String()})
		}
	}
	if len(sure) > 0 || len(a.Configured) > 0 {
		return good("address", "people elsewhere are told "+join(slices.Compact(append(slices.Clone(a.Configured), sure...))))
	}
	for _, name := range a.Order {
		for _, one := range a.Names[name] {
			if !private(one) {
				return found("", "address-private", facts{"own", join(a.Own), "host", name, "found", one.String()})
			}
		}
	}
	return good("address", "this machine is reached in its own network: "+join(a.Own))
}

// JudgeNames tells whether the names lead here. An address of this machine, a configured or an asked one is here.
func (a *Addresses) JudgeNames() []Finding {
	here := append(append(slices.Clone(a.Own), a.Configured...), a.Asked...)
	var all []Finding
	for _, name := range a.Order {
		if f := judgeLookup(name, a.Names[name], a.Silent[name]); f.State != OK {
			all = append(all, f)
			continue
		}
		all = append(all, a.judgeName(name, here))
	}
	return all
}

func (a *Addresses) judgeName(name string, here []netip.Addr) Finding {
	for _, one := range a.Names[name] {
		if slices.Contains(here, one) || one.IsLoopback() {
			continue
		}
		same := func(b netip.Addr) bool { return b.Is4() == one.Is4() }
		sure := append(a.public(), a.Configured...)
		i := slices.IndexFunc(sure, same)
		if i < 0 && slices.ContainsFunc(here, same) {
			continue // behind address translation: nobody here can tell
		}
		kind, want := "A", "ADDRESS-OF-THE-SERVER"
		if one.Is6() {
			kind = "AAAA"
		}
		if i >= 0 {
			want = sure[i].String()
		}
		return found("", "dns-elsewhere", facts{"host", name, "found", one.String(), "own", join(here), "type", kind, "want", want})
	}
	return good("dns", name+" leads here: "+join(a.Names[name]))
}
