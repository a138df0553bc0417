package passhash

import (
	"fmt"
	"strings"

	argon2d "github.com/go-crypt/x/argon2"
	"golang.org/x/crypto/argon2"
)

var argon2Formats = []format{
	{name: "argon2", prefixes: []string{"$argon2id$", "$argon2i$", "$argon2d$"}, parse: parseArgon2},
}

type argon2Hash struct {
	variant   string // "argon2id", "argon2i", "argon2d"
	m, t, p   int64
	salt, key []byte
}

// parseArgon2 reads the PHC string of the reference implementation. Version 16
// (1.0 of 2015) hashes otherwise and is implemented nowhere in Go.
func parseArgon2(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 6 || parts[0] != "" {
		return parsed{}, malformed("must be $variant$version$parameters$salt$hash")
	}
	h := argon2Hash{variant: strings.ToLower(parts[1])}
	if parts[2] != "v=19" {
		return parsed{}, malformed("version must be 19 (0x13)")
	}
	if !h.parameters(parts[3]) {
		return parsed{}, malformed("parameters must be m, t and p")
	}
	var saltOK, keyOK bool
	h.salt, saltOK = fromBase64(parts[4])
	h.key, keyOK = fromBase64(parts[5])
	if !saltOK || !keyOK {
		return parsed{}, malformed("salt and hash must be base64")
	}
	return h.check(l)
}

func (h *argon2Hash) parameters(s string) bool {
	found := 0
	for parameter := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(parameter, "=")
		target := map[string]*int64{"m": &h.m, "t": &h.t, "p": &h.p}[name]
		n, ok := number(value)
		if target == nil || !ok || *target != 0 {
			return false
		}
		*target = n
		found++
	}
	return found == 3
}

func (h argon2Hash) check(l limits) (parsed, error) {
	err := firstError(
		l.within("p", h.p, 1, 255),
		l.within("m", h.m, 8*h.p, l.argon2Memory),
		l.within("t", h.t, 1, max(1, l.argon2Work/max(h.m, 1))),
		l.within("length of the hash", int64(len(h.key)), 4, maxKey),
	)
	if err != nil {
		return parsed{}, err
	}
	p := parsed{verify: h.verify, convert: importCustom(customHash{Algorithm: "argon2", Hash: utf8Hash(h.phc())})}
	switch {
	case h.variant == "argon2d":
		p.convert = lazyOnly("Auth0 verifies Argon2 with libsodium, which has no argon2d")
	case h.variant != "argon2i" && h.variant != "argon2id":
		return parsed{}, malformed("variant must be argon2i, argon2d or argon2id")
	case len(h.salt) < 8 || len(h.key) < 16:
		p.convert = lazyOnly("libsodium, with which Auth0 verifies Argon2, needs a salt of 8 bytes and a hash of 16")
	}
	return p, nil
}

func (h argon2Hash) verify(password string) bool {
	var key []byte
	pw, length := []byte(password), uint32(len(h.key))
	switch h.variant {
	case "argon2id":
		key = argon2.IDKey(pw, h.salt, uint32(h.t), uint32(h.m), uint8(h.p), length)
	case "argon2i":
		key = argon2.Key(pw, h.salt, uint32(h.t), uint32(h.m), uint8(h.p), length)
	case "argon2d":
		key = argon2d.DKey(pw, h.salt, uint32(h.t), uint32(h.m), uint32(h.p), length)
	}
	return equal(key, h.key)
}

func (h argon2Hash) phc() string {
	return fmt.Sprintf("$%s$v=19$m=%d,t=%d,p=%d$%s$%s", h.variant, h.m, h.t, h.p, toPHC(h.salt), toPHC(h.key))
}
