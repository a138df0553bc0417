package auth0hash

import (
	"crypto/pbkdf2"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

var customBcrypt = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

// parseBcrypt is bcrypt of any cost, with an optional salt beside bcrypt's own (a
// pepper). Salt and password share bcrypt's 72 bytes; the rest is cut off.
func parseBcrypt(r request) (matcher, error) {
	value, err := textValue(r.hash)
	if err != nil {
		return nil, err
	}
	path := r.hash.at("value")
	parts := customBcrypt.FindStringSubmatch(value)
	if parts == nil {
		return nil, schemaError("PATTERN", path, "String does not match pattern "+customBcrypt.String())
	}
	cost, _ := strconv.ParseInt(parts[1], 10, 64) // two digits
	if err := inRange(path, cost, int64(bcrypt.MinCost), MaxBcryptCost); err != nil {
		return nil, err
	}
	add, err := salting(r.root)
	if err != nil {
		return nil, err
	}
	return func(password []byte) bool {
		return bcrypt.CompareHashAndPassword([]byte(value), add(password)) == nil
	}, nil
}

var argon2PHC = regexp.MustCompile(`^\$(argon2id?)\$v=19\$m=([0-9]{1,10}),t=([0-9]{1,10}),p=([0-9]{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$`)

// parseArgon2 is what libsodium's crypto_pwhash_str_verify takes; see RFC 9106
// section 3.1 for the lower bounds.
func parseArgon2(r request) (matcher, error) {
	if err := noSalt(r); err != nil {
		return nil, err
	}
	value, err := textValue(r.hash)
	if err != nil {
		return nil, err
	}
	path := r.hash.at("value")
	parts := argon2PHC.FindStringSubmatch(value)
	if parts == nil {
		return nil, schemaError("PATTERN", path, "Must be a PHC string of argon2i or argon2id with v=19, m, t and p")
	}
	m, t, p := number(parts[2]), number(parts[3]), number(parts[4])
	salt, saltOK := decode(parts[5], "base64")
	want, hashOK := decode(parts[6], "base64")
	if !saltOK || !hashOK || len(salt) < 8 || len(want) < 16 {
		return nil, schemaError("FORMAT", path, "Salt must have 8 bytes or more and hash 16 or more, in base64 without padding")
	}
	for _, check := range [][3]int64{{p, 1, 255}, {m, 8 * p, MaxArgon2Memory}, {t, 1, 4 * MaxArgon2Memory / max(m, 1)},
		{int64(len(salt)), 8, MaxKeyLength}, {int64(len(want)), 16, MaxKeyLength}} {
		if err := inRange(path, check[0], check[1], check[2]); err != nil {
			return nil, err
		}
	}
	derive := argon2.IDKey
	if parts[1] == "argon2i" {
		derive = argon2.Key
	}
	return func(password []byte) bool {
		return equal(derive(password, salt, uint32(t), uint32(m), uint8(p), uint32(len(want))), want)
	}, nil
}

// number converts what a pattern has bounded to digits.
func number(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

var pbkdf2PHC = regexp.MustCompile(`^\$pbkdf2-([A-Za-z0-9-]+)(?:\$([il]=[0-9]{1,10}(?:,[il]=[0-9]{1,10})?))?\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$`)

// parsePBKDF2 reads $pbkdf2-<digest>$i=<iterations>,l=<length>$<salt>$<hash>, in
// which i and l default to 100000 and 64.
func parsePBKDF2(r request) (matcher, error) {
	if err := noSalt(r); err != nil {
		return nil, err
	}
	value, err := textValue(r.hash)
	if err != nil {
		return nil, err
	}
	path := r.hash.at("value")
	parts := pbkdf2PHC.FindStringSubmatch(value)
	if parts == nil {
		return nil, schemaError("PATTERN", path, "Must be a PHC string $pbkdf2-<digest>$i=…,l=…$<salt>$<hash>")
	}
	newHash := digests[pbkdf2Digest(parts[1])]
	if newHash == nil {
		return nil, schemaError("ENUM_MISMATCH", path, "Not a supported digest")
	}
	salt, saltOK := decode(parts[3], "base64")
	want, hashOK := decode(parts[4], "base64")
	if !saltOK || !hashOK {
		return nil, schemaError("FORMAT", path, "Salt and hash must be base64 without padding")
	}
	iterations, length, ok := pbkdf2Parameters(parts[2])
	if !ok || length != int64(len(want)) {
		return nil, schemaError("FORMAT", path, "l, or 64 without it, must be the length of the hash, and no parameter may repeat")
	}
	size := int64(newHash().Size())
	blocks := (length + size - 1) / size
	for _, check := range [][2]int64{{length, MaxKeyLength}, {int64(len(salt)), MaxKeyLength}, {iterations, MaxPBKDF2Rounds / max(blocks, 1)}} {
		if err := inRange(path, check[0], 1, check[1]); err != nil {
			return nil, err
		}
	}
	return func(password []byte) bool {
		key, err := pbkdf2.Key(newHash, string(password), salt, int(iterations), int(length))
		return err == nil && equal(key, want)
	}, nil
}

func pbkdf2Parameters(s string) (iterations, length int64, ok bool) {
	values := map[string]int64{"i": 100_000, "l": 64}
	if s == "" {
		return values["i"], values["l"], true
	}
	seen := make(map[string]bool)
	for parameter := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(parameter, "=")
		if seen[name] {
			return 0, 0, false
		}
		seen[name], values[name] = true, number(value)
	}
	return values["i"], values["l"], true
}

// pbkdf2Digest maps OpenSSL's many names of a digest, which Auth0 lists, to ours.
func pbkdf2Digest(name string) string {
	name = strings.ToLower(name)
	for _, prefix := range []string{"rsa-", "ssl3-"} {
		name = strings.TrimPrefix(name, prefix)
	}
	for _, suffix := range []string{"withrsaencryption", "withrsa"} {
		name = strings.TrimSuffix(name, suffix)
	}
	switch name {
	case "ripemd", "rmd160":
		return "ripemd160"
	case "sha1-2":
		return "sha1"
	}
	return name
}

// parseScrypt reads RFC 7914 scrypt with its parameters as members.
func parseScrypt(r request) (matcher, error) {
	length, err := r.root.positive("keylen", 0, MaxKeyLength)
	if err != nil {
		return nil, err
	}
	cost, err := r.root.positive("cost", 16384, MaxScryptMemory)
	if err != nil {
		return nil, err
	}
	if cost < 2 || cost&(cost-1) != 0 {
		return nil, schemaError("FORMAT", r.root.at("cost"), "Must be a power of two greater than one")
	}
	block, err := r.root.positive("blockSize", 8, MaxScryptMemory/128/cost)
	if err != nil {
		return nil, err
	}
	parallel, err := r.root.positive("parallelization", 1, max(1, 2*MaxScryptMemory/128/cost/block))
	if err != nil {
		return nil, err
	}
	want, err := binaryValue(r.hash)
	if err != nil {
		return nil, err
	}
	if err := checkSize(r.hash.at("value"), want, int(length)); err != nil {
		return nil, err
	}
	salt, err := scryptSalt(r.root)
	if err != nil {
		return nil, err
	}
	return func(password []byte) bool {
		key, err := scrypt.Key(password, salt, int(cost), int(block), int(parallel), int(length))
		return err == nil && equal(key, want)
	}, nil
}

func scryptSalt(root object) ([]byte, error) {
	if !root.has("salt") {
		return nil, nil
	}
	o, err := root.object("salt")
	if err != nil {
		return nil, err
	}
	return keyMaterial(o)
}
