package passhash

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"
	"unicode/utf16"

	//lint:ignore SA1019 NT hashes are MD4, and this package verifies them.
	"golang.org/x/crypto/md4"
)

// hashes are the digests that formats are built from, by Auth0's names.
var hashes = map[string]func() hash.Hash{
	"md4":    md4.New,
	"md5":    md5.New,
	"sha1":   sha1.New,
	"sha224": sha256.New224,
	"sha256": sha256.New,
	"sha384": sha512.New384,
	"sha512": sha512.New,
}

func digest(name string, parts ...string) []byte {
	h := hashes[name]()
	for _, part := range parts {
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

func hexDigest(name string, parts ...string) string {
	return hex.EncodeToString(digest(name, parts...))
}

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// number reads up to ten decimal digits.
func number(s string) (int64, bool) {
	if s == "" || len(s) > 10 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// fromBase64 reads the standard alphabet with or without padding, and passlib's
// variant of it with "." for "+".
func fromBase64(s string) ([]byte, bool) {
	s = strings.ReplaceAll(strings.TrimRight(s, "="), ".", "+")
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	return b, err == nil && len(b) <= maxKey
}

func toBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// toPHC is the base64 of PHC strings: without padding.
func toPHC(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// fromHexOrBase64 reads a digest of a known size in either notation, which two
// sizes keep apart.
func fromHexOrBase64(s string, size int) ([]byte, bool) {
	if len(s) == 2*size {
		b, err := hex.DecodeString(s)
		return b, err == nil
	}
	b, ok := fromBase64(s)
	return b, ok && len(b) == size
}

// isHex reports whether s is n hexadecimal digits.
func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

// utf16le is how .NET and Windows see a password. Invalid UTF-8 becomes U+FFFD,
// which is what they store for it.
func utf16le(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}
