package cert

import "time"

// Expires is when the certificate in use ends.
func (f *Files) Expires() time.Time { return f.current.Load().Leaf.NotAfter }

// Expires is when the certificate in use ends.
func (s *SelfSigned) Expires() time.Time { return s.current.Load().Leaf.NotAfter }

// Expires is when the first of the hosts' certificates ends; zero: one of them has none that holds.
func (a *Automatic) Expires() time.Time {
	var first time.Time
	for _, h := range a.config.Hosts {
		c := a.kept(h)
		if c == nil {
			return time.Time{}
		}
		if first.IsZero() || c.Leaf.NotAfter.Before(first) {
			first = c.Leaf.NotAfter
		}
	}
	return first
}
