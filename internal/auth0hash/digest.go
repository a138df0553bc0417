package auth0hash

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"

	//lint:ignore SA1019 Auth0 imports such hashes, and this package checks them.
	"golang.org/x/crypto/md4"
	//lint:ignore SA1019 As above.
	"golang.org/x/crypto/ripemd160"
)

var digests = map[string]func() hash.Hash{
	"md4":       md4.New,
	"md5":       md5.New,
	"ripemd160": ripemd160.New,
	"sha1":      sha1.New,
	"sha224":    sha256.New224,
	"sha256":    sha256.New,
	"sha384":    sha512.New384,
	"sha512":    sha512.New,
	"whirlpool": newWhirlpool,
}

func sum(newHash func() hash.Hash, parts ...[]byte) []byte {
	h := newHash()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

func checkSize(path string, value []byte, size int) error {
	if len(value) != size {
		return schemaError("FORMAT", path, fmt.Sprintf("Decodes to %d bytes instead of %d", len(value), size))
	}
	return nil
}

// parseDigest is md4, md5, sha1, sha256 and sha512, with an optional salt before
// or after the password.
func parseDigest(r request) (matcher, error) {
	newHash := digests[r.algorithm]
	want, err := binaryValue(r.hash)
	if err != nil {
		return nil, err
	}
	if err := checkSize(r.hash.at("value"), want, newHash().Size()); err != nil {
		return nil, err
	}
	add, err := salting(r.root)
	if err != nil {
		return nil, err
	}
	return func(password []byte) bool { return equal(sum(newHash, add(password)), want) }, nil
}

// salting returns what joins a password and the salt of root, if it has one.
func salting(root object) (func(password []byte) []byte, error) {
	if !root.has("salt") {
		return func(password []byte) []byte { return password }, nil
	}
	o, err := root.object("salt")
	if err != nil {
		return nil, err
	}
	salt, err := keyMaterial(o)
	if err != nil {
		return nil, err
	}
	position, err := o.oneOf("position", "prefix", "prefix", "suffix")
	if err != nil {
		return nil, err
	}
	return func(password []byte) []byte {
		joined := make([]byte, 0, len(salt)+len(password))
		if position == "suffix" {
			return append(append(joined, password...), salt...)
		}
		return append(append(joined, salt...), password...)
	}, nil
}

// noSalt refuses a salt beside a hash that carries its own.
func noSalt(r request) error { return r.root.without("salt", r.algorithm) }

func parseHMAC(r request) (matcher, error) {
	if err := noSalt(r); err != nil {
		return nil, err
	}
	name, err := r.hash.oneOf("digest", "", "md4", "md5", "ripemd160", "sha1", "sha224", "sha256", "sha384", "sha512", "whirlpool")
	if err != nil {
		return nil, err
	}
	o, err := r.hash.object("key")
	if err != nil {
		return nil, err
	}
	key, err := keyMaterial(o)
	if err != nil {
		return nil, err
	}
	want, err := binaryValue(r.hash)
	if err != nil {
		return nil, err
	}
	newHash := digests[name]
	if err := checkSize(r.hash.at("value"), want, newHash().Size()); err != nil {
		return nil, err
	}
	return func(password []byte) bool {
		mac := hmac.New(newHash, key)
		mac.Write(password)
		return hmac.Equal(mac.Sum(nil), want)
	}, nil
}

// The schemes of RFC 2307 section 5.3 and their later sizes.
var ldapSchemes = map[string]struct {
	digest string
	salted bool
}{
	"md5": {"md5", false}, "smd5": {"md5", true},
	"sha": {"sha1", false}, "ssha": {"sha1", true},
	"sha1": {"sha1", false}, "ssha1": {"sha1", true},
	"sha224": {"sha224", false}, "ssha224": {"sha224", true},
	"sha256": {"sha256", false}, "ssha256": {"sha256", true},
	"sha384": {"sha384", false}, "ssha384": {"sha384", true},
	"sha512": {"sha512", false}, "ssha512": {"sha512", true},
}

// parseLDAP reads {scheme}base64(digest(password + salt) + salt).
func parseLDAP(r request) (matcher, error) {
	if err := noSalt(r); err != nil {
		return nil, err
	}
	value, err := textValue(r.hash)
	if err != nil {
		return nil, err
	}
	path := r.hash.at("value")
	name, encoded, ok := strings.Cut(strings.TrimPrefix(value, "{"), "}")
	scheme, known := ldapSchemes[strings.ToLower(name)]
	if !ok || !known || value[0] != '{' {
		return nil, schemaError("PATTERN", path, "Scheme must be one of {MD5}, {SMD5}, {SHA*} and {SSHA*}")
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, schemaError("FORMAT", path, "Not valid base64 after the scheme")
	}
	newHash := digests[scheme.digest]
	size := newHash().Size()
	if len(raw) < size || scheme.salted != (len(raw) > size) || len(raw) > size+MaxKeyLength {
		return nil, schemaError("FORMAT", path, "Digest and salt have the wrong length for the scheme")
	}
	want, salt := raw[:size], raw[size:]
	return func(password []byte) bool { return equal(sum(newHash, password, salt), want) }, nil
}
