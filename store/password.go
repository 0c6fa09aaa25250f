package store

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
)

// PasswordCost are argon2id's parameters (RFC 9106 section 3.1). Zero fields
// take the default: 19 MiB, two passes, one lane.
type PasswordCost struct {
	Memory      uint32 // KiB, at least 8 per lane
	Passes      uint32
	Parallelism uint8 // lanes
}

// maxHashing is how many passwords may be hashed or wait for that; what comes then is refused, for it
// would wait longer than people do.
const maxHashing = 128

const (
	saltSize = 16
	keySize  = 32
)

func (c PasswordCost) orDefault() PasswordCost {
	if c.Memory == 0 {
		c.Memory = 19 * 1024
	}
	if c.Passes == 0 {
		c.Passes = 2
	}
	if c.Parallelism == 0 {
		c.Parallelism = 1
	}
	return c
}

// hasher bounds how many passwords are hashed at once: each takes a core and
// PasswordCost.Memory.
type hasher struct {
	waiting atomic.Int64 // that hash, or wait to
	cost    PasswordCost
	slots   *semaphore.Weighted
	dummy   string // hash of a password nobody has
}

func newHasher(cost PasswordCost, slots int) (*hasher, error) {
	h := &hasher{cost: cost.orDefault(), slots: semaphore.NewWeighted(int64(slots))}
	if h.cost.Memory < 8*uint32(h.cost.Parallelism) {
		return nil, fmt.Errorf("password cost: %d KiB of memory are too little for %d lanes", h.cost.Memory, h.cost.Parallelism)
	}
	var err error
	h.dummy, err = h.hash(context.Background(), rand.Text())
	return h, err
}

// hash makes "$argon2id$v=19$m=19456,t=2,p=1$salt$key".
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails: crypto/rand ends the program instead
	key, err := h.derive(ctx, password, salt, h.cost, keySize)
	if err != nil {
		return "", err
	}
	c, enc := h.cost, base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Parallelism,
		enc.EncodeToString(salt), enc.EncodeToString(key)), nil
}

// check compares; with no hash it works as long and says no.
func (h *hasher) check(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.dummy
	}
	cost, salt, want, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	got, err := h.derive(ctx, password, salt, cost, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func (h *hasher) derive(ctx context.Context, password string, salt []byte, c PasswordCost, size uint32) ([]byte, error) {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > maxHashing {
		return nil, fmt.Errorf("too many passwords wait to be hashed: %w", ErrUnavailable)
	}
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("wait to hash a password: %w", err)
	}
	defer h.slots.Release(1)
	return argon2.IDKey([]byte(password), salt, c.Passes, c.Memory, c.Parallelism, size), nil
}

// parseHash reads what hash made, under whatever cost. A hash it cannot read
// is a damaged row.
func parseHash(hash string) (c PasswordCost, salt, key []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, fmt.Errorf("stored password hash is not argon2id: %w", ErrUnavailable)
	}
	_, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Parallelism)
	if err == nil {
		salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	}
	if err == nil {
		key, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || len(key) == 0 || c.Passes == 0 || c.Parallelism == 0 {
		return c, nil, nil, fmt.Errorf("stored password hash is damaged: %w", ErrUnavailable)
	}
	return c, salt, key, nil
}
