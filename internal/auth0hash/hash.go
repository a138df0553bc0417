package auth0hash

import (
	"encoding/json"
	"errors"
	"regexp"

	"golang.org/x/crypto/bcrypt"
)

// ErrMismatch says that the password is not the one that was hashed.
var ErrMismatch = errors.New("auth0hash: password does not match")

// Bounds of what one verification may cost.
const (
	MaxBcryptCost   = 16      // 2^16 rounds.
	MaxArgon2Memory = 1 << 20 // KiB: 1 GiB. Passes times memory may reach four times that.
	MaxPBKDF2Rounds = 1 << 24 // Iterations times blocks of output.
	MaxScryptMemory = 1 << 30 // Bytes: 128 * cost * blockSize. Parallelization may double it.
	MaxKeyLength    = 1024    // Bytes of derived key, salt or HMAC key.
)

// Hash is a password hash as a tenant holds it after an import. It is immutable
// and safe for concurrent use. It holds functions alone, so that nothing of the hash
// prints.
type Hash struct {
	encoding encoding
	match    func(password []byte) bool
}

// Verify returns nil if password is the one that was hashed, and ErrMismatch
// otherwise. Digests are compared in constant time.
func (h *Hash) Verify(password string) error {
	encoded, ok := h.encoding.encode(password)
	if !ok || !h.match(encoded) {
		return ErrMismatch
	}
	return nil
}

// The pattern is Auth0's own, character for character.
var passwordHash = regexp.MustCompile(`^\$2[ab]?\$10+\$[./A-Za-z0-9]{53}$`)

// ParseBcrypt reads the value of password_hash: bcrypt of cost 10. The error is
// a *SchemaError.
func ParseBcrypt(s string) (*Hash, error) {
	if !passwordHash.MatchString(s) {
		return nil, schemaError("PATTERN", "password_hash", "String does not match pattern "+passwordHash.String())
	}
	return &Hash{encoding: utf8Encoding, match: func(password []byte) bool {
		return bcrypt.CompareHashAndPassword([]byte(s), password) == nil
	}}, nil
}

// ParseCustom reads the value of custom_password_hash. The error is a
// *SchemaError.
func ParseCustom(raw json.RawMessage) (*Hash, error) {
	root, err := parseObject("custom_password_hash", raw)
	if err != nil {
		return nil, err
	}
	if err := root.only("algorithm", "hash", "salt", "password", "keylen", "cost", "blockSize", "parallelization"); err != nil {
		return nil, err
	}
	algorithm, err := root.oneOf("algorithm", "", algorithmNames...)
	if err != nil {
		return nil, err
	}
	hash, err := root.object("hash")
	if err != nil {
		return nil, err
	}
	// The prose of Auth0's page puts a salt there, its schema and its examples do
	// not: it would be ignored, and the hash never match.
	if err := hash.without("salt", algorithm); err != nil {
		return nil, err
	}
	encoding, err := passwordEncoding(root)
	if err != nil {
		return nil, err
	}
	match, err := algorithms[algorithm](request{root: root, hash: hash, algorithm: algorithm})
	if err != nil {
		return nil, err
	}
	return &Hash{encoding: encoding, match: match}, nil
}

// request is what an algorithm is given to parse.
type request struct {
	root, hash object
	algorithm  string
}

type matcher = func(password []byte) bool

var algorithmNames = []string{"argon2", "bcrypt", "hmac", "ldap", "md4", "md5", "sha1", "sha256", "sha512", "pbkdf2", "scrypt"}

var algorithms = map[string]func(request) (matcher, error){
	"argon2": parseArgon2,
	"bcrypt": parseBcrypt,
	"hmac":   parseHMAC,
	"ldap":   parseLDAP,
	"md4":    parseDigest,
	"md5":    parseDigest,
	"sha1":   parseDigest,
	"sha256": parseDigest,
	"sha512": parseDigest,
	"pbkdf2": parsePBKDF2,
	"scrypt": parseScrypt,
}
