package passhash

import (
	"encoding/base64"
	"strings"
)

// Digests of digests, which Auth0 has not.
var nestedFormats = []format{
	{name: "mediawiki-b", prefixes: []string{":b:", "$b$"}, parse: parseMediaWikiB},
	{name: "mysql", detect: isMySQL, parse: parseMySQL},
	{name: "vbulletin", salted: true, parse: parseNested("md5", func(password, salt string) string {
		return hexDigest("md5", hexDigest("md5", password), salt)
	})},
	{name: "mybb", salted: true, parse: parseNested("md5", func(password, salt string) string {
		return hexDigest("md5", hexDigest("md5", salt), hexDigest("md5", password))
	})},
	{name: "restful-auth", salted: true, parse: parseNested("sha1", func(password, salt string) string {
		return hexDigest("sha1", "--", salt, "--", password, "--")
	})},
	{name: "symfony-sha512", salted: true, parse: parseSymfony},
}

// parseNested reads a hex digest whose salt is in Salt or behind a colon.
func parseNested(name string, compute func(password, salt string) string) func(Stored, limits) (parsed, error) {
	return func(s Stored, _ limits) (parsed, error) {
		want, salt, ok := beside(s)
		if !ok || !isHex(want, 2*hashes[name]().Size()) {
			return parsed{}, malformed("must be the digest in hex, and a salt in Salt or behind a colon")
		}
		return lazyDigest(strings.ToLower(want), "nested digests", func(password string) string { return compute(password, salt) }), nil
	}
}

// parseMediaWikiB reads :B:salt:md5(salt-md5(password)), also with dollar signs.
func parseMediaWikiB(s Stored, _ limits) (parsed, error) {
	parts := strings.Split(s.Value, s.Value[:1])
	if len(parts) != 4 || !isHex(parts[3], 32) {
		return parsed{}, malformed("must be :B:salt:hash")
	}
	return lazyDigest(strings.ToLower(parts[3]), "nested digests", func(password string) string {
		return hexDigest("md5", parts[2], "-", hexDigest("md5", password))
	}), nil
}

func isMySQL(value string) bool { return value[0] == '*' && isHex(value[1:], 40) }

// parseMySQL reads * and hex(sha1(sha1(password))), MySQL's PASSWORD() since 4.1.
func parseMySQL(s Stored, _ limits) (parsed, error) {
	want := strings.TrimPrefix(s.Value, "*")
	if !isHex(want, 40) {
		return parsed{}, malformed("must be 40 hexadecimal digits after the star")
	}
	return lazyDigest(strings.ToLower(want), "nested digests", func(password string) string {
		return hexDigest("sha1", string(digest("sha1", password)))
	}), nil
}

// parseSymfony is MessageDigestPasswordEncoder with its defaults: 5,000 rounds of
// SHA-512 over password{salt}, in base64.
func parseSymfony(s Stored, _ limits) (parsed, error) {
	want, ok := fromBase64(s.Value)
	if !ok || len(want) != 64 {
		return parsed{}, malformed("must be base64 of 64 bytes")
	}
	return lazyDigest(base64.StdEncoding.EncodeToString(want), "iterated SHA-512", func(password string) string {
		merged := password
		if s.Salt != "" {
			merged = password + "{" + s.Salt + "}"
		}
		sum := digest("sha512", merged)
		for range 4999 {
			sum = digest("sha512", string(sum), merged)
		}
		return toBase64(sum)
	}), nil
}
