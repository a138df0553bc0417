package passhash

import (
	"encoding/hex"
	"strings"
)

// DelegatingPasswordEncoder writes the id of an encoder in braces. {bcrypt},
// {argon2} and {ldap} are unwrapped before a format is looked for.
var springFormats = []format{
	{name: "spring-pbkdf2", prefixes: []string{"{pbkdf2@springsecurity_v5_8}"}, detect: isSpringPBKDF2, parse: parseSpringPBKDF2, salted: true},
	{name: "spring-digest", detect: isSpringDigest, parse: parseSpringDigest},
	{name: "spring-standard", detect: isSpringStandard, parse: parseSpringStandard, salted: true},
}

// isSpringPBKDF2 tells {pbkdf2}hex from LDAP's {PBKDF2}iterations$salt$hash.
func isSpringPBKDF2(value string) bool {
	rest, ok := cutPrefixFold(value, "{pbkdf2}")
	return ok && !strings.Contains(rest, "$")
}

// parseSpringPBKDF2 reads Pbkdf2PasswordEncoder's salt and key, in hex or base64,
// with the defaults of Spring Security 5.5 (SHA-1, 185,000 iterations, 8 bytes of
// salt) or 5.8 (SHA-256, 310,000, 16). Its secret, if any, goes into Salt: the
// encoder appends it to the salt.
func parseSpringPBKDF2(s Stored, l limits) (parsed, error) {
	name, iterations, size := "sha1", int64(185_000), 8
	value, ok := cutPrefixFold(s.Value, "{pbkdf2@springsecurity_v5_8}")
	if ok {
		name, iterations, size = "sha256", 310_000, 16
	} else {
		value, _ = cutPrefixFold(s.Value, "{pbkdf2}")
	}
	raw, valid := fromHexOrBase64(value, size+32)
	if !valid {
		return parsed{}, malformed("must be the hex or base64 of salt and 32 bytes of key")
	}
	salt := append(raw[:size:size], s.Salt...)
	return newPBKDF2(l, name, iterations, salt, raw[size:])
}

var springDigests = map[string]string{
	"md4": "md4", "md5": "md5", "sha-1": "sha1", "sha-256": "sha256", "sha-512": "sha512",
}

func splitSpringDigest(value string) (name, salt string, want []byte, ok bool) {
	label, rest, cut := strings.Cut(value, "}")
	name, known := springDigests[strings.ToLower(strings.TrimPrefix(label, "{"))]
	if !cut || !known || label[0] != '{' {
		return "", "", nil, false
	}
	if strings.HasPrefix(rest, "{") {
		inner, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", "", nil, false
		}
		salt, rest = inner+"}", after // The braces belong to the salt.
	}
	want, err := hex.DecodeString(rest)
	return name, salt, want, err == nil && len(want) == hashes[name]().Size()
}

func isSpringDigest(value string) bool {
	_, _, _, ok := splitSpringDigest(value)
	return ok
}

// parseSpringDigest reads {MD5}{salt}hex of MessageDigestPasswordEncoder, the
// digest of the password and "{salt}".
func parseSpringDigest(s Stored, _ limits) (parsed, error) {
	name, salt, want, ok := splitSpringDigest(s.Value)
	if !ok {
		return parsed{}, malformed("must be a label such as {SHA-256}, {salt} and hex")
	}
	return newDigest(name, want, []byte(salt), "suffix", false), nil
}

func isSpringStandard(value string) bool {
	rest, ok := cutPrefixFold(value, "{sha256}")
	return ok && isHex(rest, 80)
}

// parseSpringStandard reads {sha256}hex of StandardPasswordEncoder: 8 bytes of
// salt and 1,024 rounds of SHA-256 over salt, password and secret (in Salt).
func parseSpringStandard(s Stored, _ limits) (parsed, error) {
	value, _ := cutPrefixFold(s.Value, "{sha256}")
	raw, err := hex.DecodeString(value)
	if err != nil || len(raw) != 40 {
		return parsed{}, malformed("must be 80 hexadecimal digits")
	}
	return lazyDigest(string(raw[8:]), "iterated SHA-256", func(password string) string {
		sum := digest("sha256", string(raw[:8]), password, s.Salt)
		for range 1023 {
			sum = digest("sha256", string(sum))
		}
		return string(sum)
	}), nil
}
