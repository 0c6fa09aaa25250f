package turn

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// identity is whom a credential was made for.
type identity struct {
	account, device string
}

const (
	// minSecret is in bytes; shorter ones could be guessed from one username and password.
	minSecret = 16
	// maxAccount and maxDevice are in bytes. The longest username is then 277 bytes of the 513 that RFC 8489 section 14.3 has room for.
	maxAccount = 128
	maxDevice  = 64
)

var errCredential = errors.New("turn: not a username of ours")

// mint makes usernames and passwords, and reads them back, out of nothing but a
// secret: they hold over a restart, and no table of them is kept. A username is
// "expiry:opaque" as in draft-uberti-behave-turn-rest-00, the password is made
// from it; the opaque part is sealed, so that it neither tells nor lets anybody
// choose whose it is.
type mint struct {
	secret   []byte // of passwords
	decoy    []byte // of the passwords of usernames that are not good: nobody knows one
	seal     cipher.AEAD
	lifetime time.Duration
}

func newMint(secret []byte, lifetime time.Duration) (*mint, error) {
	if len(secret) < minSecret {
		return nil, fmt.Errorf("turn: a secret of %d bytes is too short, %d are the least", len(secret), minSecret)
	}
	block, err := aes.NewCipher(derive(secret, "turn username"))
	if err != nil {
		return nil, fmt.Errorf("turn: sealing usernames: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("turn: sealing usernames: %w", err)
	}
	return &mint{secret: derive(secret, "turn password"), decoy: derive(secret, "turn decoy"), seal: seal, lifetime: lifetime}, nil
}

// derive makes a key of one secret for one purpose.
func derive(secret []byte, purpose string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(purpose))
	return h.Sum(nil)
}

// username seals whom it is for and when it was made. The caller has checked the lengths.
func (m *mint) username(id identity, now time.Time) string {
	expiry := strconv.FormatInt(now.Add(m.lifetime).Unix(), 10)
	plain := binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano()))
	plain = append(plain, byte(len(id.account)))
	plain = append(plain, id.account...)
	plain = append(plain, id.device...)
	sealed := m.seal.Seal(nil, nil, plain, []byte(expiry))
	return expiry + ":" + base64.RawURLEncoding.EncodeToString(sealed)
}

// grant is what a username says.
type grant struct {
	identity
	issued, expiry time.Time
}

// open reads a username of ours back; whether it has expired is for the caller to judge.
func (m *mint) open(username string) (grant, error) {
	expiry, opaque, _ := strings.Cut(username, ":")
	seconds, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil {
		return grant{}, errCredential
	}
	sealed, err := base64.RawURLEncoding.DecodeString(opaque)
	if err != nil {
		return grant{}, errCredential
	}
	plain, err := m.seal.Open(nil, nil, sealed, []byte(expiry))
	if err != nil || len(plain) < 9 || len(plain) < 9+int(plain[8]) {
		return grant{}, errCredential
	}
	split := 9 + int(plain[8])
	return grant{
		identity: identity{account: string(plain[9:split]), device: string(plain[split:])},
		issued:   time.Unix(0, int64(binary.BigEndian.Uint64(plain))),
		expiry:   time.Unix(seconds, 0),
	}, nil
}

// password is base64(HMAC-SHA1(secret, username)): what the TURN REST form wants.
// SHA-1 is as good as any here, for all that is asked of it is to be a keyed hash.
func password(secret []byte, username string) string {
	h := hmac.New(sha1.New, secret)
	h.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// key is that of MESSAGE-INTEGRITY with long-term credentials, RFC 8489 section 9.2.2.
func (m *mint) key(username, realm string, good bool) []byte {
	secret := m.secret
	if !good { // the same work for a key that nobody has
		secret = m.decoy
	}
	sum := md5.Sum([]byte(username + ":" + realm + ":" + password(secret, username)))
	return sum[:]
}

// revocations remembers since when which credentials are no longer good. What is
// older than the lifetime of a credential is forgotten, for there is none left that it concerns.
// It is guarded by its owner.
type revocations struct {
	devices  map[identity]time.Time
	accounts map[string]time.Time
}

func newRevocations() revocations {
	return revocations{devices: map[identity]time.Time{}, accounts: map[string]time.Time{}}
}

// covers tells whether a credential was made before it was taken back.
func (v revocations) covers(g grant) bool {
	if at, ok := v.accounts[g.account]; ok && !g.issued.After(at) {
		return true
	}
	at, ok := v.devices[g.identity]
	return ok && !g.issued.After(at)
}

// forget drops what was revoked before a time.
func (v revocations) forget(before time.Time) {
	for id, at := range v.devices {
		if at.Before(before) {
			delete(v.devices, id)
		}
	}
	for account, at := range v.accounts {
		if at.Before(before) {
			delete(v.accounts, account)
		}
	}
}

// password is that of a username of ours.
func (m *mint) password(username string) string { return password(m.secret, username) }
