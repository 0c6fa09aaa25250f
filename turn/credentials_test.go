package turn

import (
	"strings"
	"testing"
	"time"
)

func TestUsername(t *testing.T) {
	m, err := newMint(testSecret, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1800000000, 123)
	for _, id := range []identity{{"alice", ""}, {"a.b_c@d-e+f", "phone.1"}, {strings.Repeat("x", maxAccount), strings.Repeat("y", maxDevice)}} {
		user := m.username(id, now)
		if len(user) > 513 || strings.Contains(user, id.account) || !strings.HasPrefix(user, "1800003600:") {
			t.Errorf("the username %q", user)
		}
		again, err := newMint(testSecret, time.Minute) // after a restart
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.open(user)
		if err != nil || got.identity != id || !got.issued.Equal(now) || got.expiry.Unix() != 1800003600 {
			t.Errorf("%q reads %+v, %v", user, got, err)
		}
		for i := range user {
			forged := []byte(user)
			forged[i] ^= 1
			if g, err := m.open(string(forged)); err == nil && (g.identity != id || g.expiry.Unix() != 1800003600) {
				t.Errorf("forged at %d: %+v", i, g)
			}
		}
	}
	other, err := newMint([]byte("another secret of 16 bytes"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if g, err := other.open(m.username(identity{"alice", ""}, now)); err == nil {
		t.Errorf("another secret reads %+v", g)
	}
	if _, err := newMint([]byte("short"), time.Hour); err == nil {
		t.Error("a short secret is taken")
	}
}

// TestPassword holds the password against what openssl dgst -sha1 -hmac north -binary | base64 makes of the same.
func TestPassword(t *testing.T) {
	if got := password([]byte("north"), "1800000000:alice"); got != "sIm7pn/teO7y3AyXGeXl/xAQR6Q=" {
		t.Errorf("the password is %q", got)
	}
}

func TestRevocations(t *testing.T) {
	v, at := newRevocations(), time.Unix(1000, 0)
	v.devices[identity{"alice", "phone"}] = at
	v.accounts["bob"] = at
	for _, c := range []struct {
		account, device string
		issued          time.Time
		want            bool
	}{
		{"alice", "phone", at.Add(-1), true}, {"alice", "phone", at, true}, {"alice", "phone", at.Add(1), false},
		{"alice", "", at.Add(-1), false}, {"bob", "", at.Add(-1), true}, {"bob", "any", at, true}, {"bob", "any", at.Add(1), false},
		{"carol", "phone", at, false},
	} {
		if got := v.covers(grant{identity: identity{c.account, c.device}, issued: c.issued}); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	v.forget(at)
	if len(v.devices) != 1 || len(v.accounts) != 1 {
		t.Error("forgotten too early")
	}
	v.forget(at.Add(1))
	if len(v.devices)+len(v.accounts) != 0 {
		t.Error("kept for ever")
	}
}

// FuzzOpen: whatever a client calls itself, it is nobody.
func FuzzOpen(f *testing.F) {
	m, err := newMint(testSecret, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("1800000000:alice")
	f.Add(":")
	f.Add("9223372036854775807:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, user string) {
		if g, err := m.open(user); err == nil {
			t.Errorf("%q is %+v", user, g)
		}
	})
}
