package passhash

import (
	"crypto/pbkdf2"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
)

var pbkdf2Formats = []format{
	{name: "pbkdf2-phc", detect: isPHC, parse: parsePBKDF2PHC},
	{name: "passlib-pbkdf2", prefixes: []string{"$pbkdf2$", "$pbkdf2-sha1$", "$pbkdf2-sha256$", "$pbkdf2-sha512$"}, parse: parsePasslibPBKDF2},
	{name: "django-pbkdf2", prefixes: []string{"pbkdf2_sha256$", "pbkdf2_sha1$"}, parse: parseDjangoPBKDF2},
	{name: "werkzeug-pbkdf2", prefixes: []string{"pbkdf2:"}, parse: parseWerkzeugPBKDF2},
	{name: "pbkdf2", prefixes: []string{"sha1:", "sha256:", "sha512:", "md5:"}, parse: parsePlainPBKDF2},
	{name: "ldap-pbkdf2", detect: isLDAPPBKDF2, parse: parseLDAPPBKDF2},
	{name: "389ds-pbkdf2", prefixes: []string{"{pbkdf2_sha256}"}, parse: parse389PBKDF2},
	{name: "atlassian", prefixes: []string{"{pkcs5s2}"}, parse: parseAtlassian},
	{name: "mediawiki-pbkdf2", prefixes: []string{":pbkdf2:"}, parse: parseMediaWikiPBKDF2},
	{name: "keycloak", parse: parseKeycloak, salted: true},
}

// newPBKDF2 is RFC 8018 PBKDF2 with HMAC, which Auth0 takes with any digest.
func newPBKDF2(l limits, name string, iterations int64, salt, key []byte) (parsed, error) {
	newHash := hashes[name]
	if newHash == nil {
		return parsed{}, malformed("unknown digest")
	}
	size := int64(newHash().Size())
	blocks := (int64(len(key)) + size - 1) / size
	err := firstError(
		l.within("length of the hash", int64(len(key)), 8, maxKey),
		l.within("length of the salt", int64(len(salt)), 0, maxKey),
		l.within("iterations", iterations, 1, max(1, l.pbkdf2Rounds/max(blocks, 1))),
	)
	if err != nil {
		return parsed{}, err
	}
	p := parsed{verify: func(password string) bool {
		got, err := pbkdf2.Key(newHash, password, salt, int(iterations), len(key))
		return err == nil && equal(got, key)
	}}
	if len(salt) == 0 {
		p.convert = lazyOnly("it has no salt, and Auth0's notation of PBKDF2 needs one")
		return p, nil
	}
	phc := fmt.Sprintf("$pbkdf2-%s$i=%d,l=%d$%s$%s", name, iterations, len(key), toPHC(salt), toPHC(key))
	p.convert = importCustom(customHash{Algorithm: "pbkdf2", Hash: utf8Hash(phc)})
	return p, nil
}

// fromFields is newPBKDF2 over fields that are still text.
func fromFields(l limits, name, iterations, salt, key string) (parsed, error) {
	n, ok := number(iterations)
	if !ok {
		return parsed{}, malformed("iterations are not a number")
	}
	s, saltOK := fromBase64(salt)
	k, keyOK := fromBase64(key)
	if !saltOK || !keyOK {
		return parsed{}, malformed("salt and hash must be base64")
	}
	return newPBKDF2(l, name, n, s, k)
}

// isPHC recognizes Auth0's own notation, $pbkdf2-<digest>$i=…,l=…$salt$hash.
func isPHC(value string) bool {
	parts := strings.Split(value, "$")
	return len(parts) == 5 && hasPrefixFold(parts[1], "pbkdf2-") && strings.Contains(parts[2], "=")
}

func parsePBKDF2PHC(s Stored, l limits) (parsed, error) {
	if !isPHC(s.Value) {
		return parsed{}, malformed("must be $pbkdf2-<digest>$i=…,l=…$salt$hash")
	}
	parts := strings.Split(s.Value, "$")
	iterations, length, ok := strings.Cut(parts[2], ",")
	p, err := fromFields(l, strings.ToLower(parts[1][len("pbkdf2-"):]), strings.TrimPrefix(iterations, "i="), parts[3], parts[4])
	if err != nil {
		return parsed{}, err
	}
	key, _ := fromBase64(parts[4])
	if n, isNumber := number(strings.TrimPrefix(length, "l=")); ok && (!isNumber || n != int64(len(key))) {
		return parsed{}, malformed("l is not the length of the hash")
	}
	return p, nil
}

// parsePasslibPBKDF2 reads $pbkdf2-sha256$29000$salt$hash; without a digest it is
// SHA-1.
func parsePasslibPBKDF2(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 5 {
		return parsed{}, malformed("must be $pbkdf2-<digest>$iterations$salt$hash")
	}
	name := strings.TrimPrefix(strings.ToLower(parts[1]), "pbkdf2-")
	if name == "pbkdf2" {
		name = "sha1"
	}
	return fromFields(l, name, parts[2], parts[3], parts[4])
}

// parseDjangoPBKDF2 reads pbkdf2_sha256$iterations$salt$hash, whose salt is text.
func parseDjangoPBKDF2(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 4 {
		return parsed{}, malformed("must be algorithm$iterations$salt$hash")
	}
	name := strings.TrimPrefix(strings.ToLower(parts[0]), "pbkdf2_")
	return fromFields(l, name, parts[1], toBase64([]byte(parts[2])), parts[3])
}

// parseWerkzeugPBKDF2 reads pbkdf2:sha256:iterations$salt$hex. Values without
// iterations depend on the version that wrote them and are refused.
func parseWerkzeugPBKDF2(s Stored, l limits) (parsed, error) {
	method, salt, key, ok := splitWerkzeug(s.Value)
	parts := strings.Split(method, ":")
	if !ok || len(parts) != 3 {
		return parsed{}, malformed("must be pbkdf2:<digest>:<iterations>$salt$hash")
	}
	return fromFields(l, strings.ToLower(parts[1]), parts[2], toBase64([]byte(salt)), toBase64(key))
}

// parsePlainPBKDF2 reads digest:iterations:salt:hash in base64, the form of
// hashcat and of the CrackStation samples, whose later one has the length of the
// hash as third field.
func parsePlainPBKDF2(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, ":")
	switch len(parts) {
	case 4:
		return fromFields(l, strings.ToLower(parts[0]), parts[1], parts[2], parts[3])
	case 5:
		key, _ := fromBase64(parts[4])
		if n, ok := number(parts[2]); !ok || n != int64(len(key)) {
			return parsed{}, malformed("third field is not the length of the hash")
		}
		return fromFields(l, strings.ToLower(parts[0]), parts[1], parts[3], parts[4])
	}
	return parsed{}, malformed("must be digest:iterations:salt:hash")
}

// isLDAPPBKDF2 leaves {pbkdf2}hex to Spring.
func isLDAPPBKDF2(value string) bool {
	return (hasPrefixFold(value, "{pbkdf2}") || hasPrefixFold(value, "{pbkdf2-sha")) && strings.Contains(value, "$")
}

// parseLDAPPBKDF2 reads {PBKDF2-SHA256}iterations$salt$hash of OpenLDAP's
// pw-pbkdf2 and passlib.
func parseLDAPPBKDF2(s Stored, l limits) (parsed, error) {
	label, rest, ok := strings.Cut(s.Value, "}")
	parts := strings.Split(rest, "$")
	if !ok || len(parts) != 3 {
		return parsed{}, malformed("must be {PBKDF2-<digest>}iterations$salt$hash")
	}
	name := strings.TrimPrefix(strings.ToLower(label), "{pbkdf2-")
	if name == "{pbkdf2" {
		name = "sha1"
	}
	return fromFields(l, name, parts[0], parts[1], parts[2])
}

// parse389PBKDF2 reads 389 Directory Server's base64(iterations, 64 bytes of
// salt, 256 bytes of key).
func parse389PBKDF2(s Stored, l limits) (parsed, error) {
	raw, ok := labelled(s.Value, 4+64+256)
	if !ok {
		return parsed{}, malformed("must be base64 of 324 bytes after the label")
	}
	return newPBKDF2(l, "sha256", int64(binary.BigEndian.Uint32(raw)), raw[4:68], raw[68:])
}

// parseAtlassian reads {PKCS5S2}base64(16 bytes of salt, 32 of key), which is
// 10,000 iterations of SHA-1.
func parseAtlassian(s Stored, l limits) (parsed, error) {
	raw, ok := labelled(s.Value, 16+32)
	if !ok {
		return parsed{}, malformed("must be base64 of 48 bytes after the label")
	}
	return newPBKDF2(l, "sha1", 10_000, raw[:16], raw[16:])
}

// labelled decodes what stands behind a label in braces.
func labelled(value string, size int) ([]byte, bool) {
	_, encoded, ok := strings.Cut(value, "}")
	raw, valid := fromBase64(encoded)
	return raw, ok && valid && len(raw) == size
}

// parseMediaWikiPBKDF2 reads :pbkdf2:digest:iterations:length:salt:hash.
func parseMediaWikiPBKDF2(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, ":")
	if len(parts) != 7 {
		return parsed{}, malformed("must be :pbkdf2:digest:iterations:length:salt:hash")
	}
	key, _ := fromBase64(parts[6])
	if n, ok := number(parts[4]); !ok || n != int64(len(key)) {
		return parsed{}, malformed("length is not the length of the hash")
	}
	return fromFields(l, strings.ToLower(parts[2]), parts[3], parts[5], parts[6])
}

// parseKeycloak reads the two JSON columns of Keycloak's table credential:
// secret_data as Value and credential_data as Salt.
func parseKeycloak(s Stored, l limits) (parsed, error) {
	var secret struct{ Value, Salt string }
	var data struct {
		HashIterations       int64
		Algorithm            string
		AdditionalParameters struct{ Type, Version, Memory, Parallelism []string }
	}
	if json.Unmarshal([]byte(s.Value), &secret) != nil || json.Unmarshal([]byte(s.Salt), &data) != nil {
		return parsed{}, malformed("Value must be secret_data and Salt credential_data, both JSON")
	}
	salt, saltOK := fromBase64(secret.Salt)
	key, keyOK := fromBase64(secret.Value)
	if !saltOK || !keyOK {
		return parsed{}, malformed("salt and value of secret_data must be base64")
	}
	name := map[string]string{"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}[data.Algorithm]
	if name != "" {
		return newPBKDF2(l, name, data.HashIterations, salt, key)
	}
	more := data.AdditionalParameters
	memory, _ := number(first(more.Memory))
	lanes, _ := number(first(more.Parallelism))
	if data.Algorithm != "argon2" || first(more.Version) != "1.3" {
		return parsed{}, malformed("algorithm must be pbkdf2, pbkdf2-sha256, pbkdf2-sha512 or argon2 of version 1.3")
	}
	return argon2Hash{
		variant: "argon2" + first(more.Type), m: memory, t: data.HashIterations, p: lanes, salt: salt, key: key,
	}.check(l)
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
