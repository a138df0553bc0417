package passhash

import (
	"crypto/hmac"
	"encoding/hex"
	"strings"
)

var digestFormats = []format{
	{name: "nt", prefixes: []string{"$nt$", "{nt}"}, parse: parseNT},
	{name: "joomla", parse: parseSalted("md5", "suffix"), salted: true},
	{name: "oscommerce", parse: parseSalted("md5", "prefix"), salted: true},
	{name: "magento2", detect: isMagento2, parse: parseMagento2},
	{name: "mediawiki-a", prefixes: []string{":a:"}, parse: parseMediaWikiA},
	{name: "werkzeug-hmac", prefixes: []string{"sha256$", "sha512$"}, parse: parseWerkzeugHMAC},

	{name: "md4", parse: parseRaw("md4")},
	{name: "md5", parse: parseRaw("md5")},
	{name: "sha1", parse: parseRaw("sha1")},
	{name: "sha256", parse: parseRaw("sha256")},
	{name: "sha512", parse: parseRaw("sha512")},

	{name: "md5-salt-prefix", parse: parseSalted("md5", "prefix"), salted: true},
	{name: "md5-salt-suffix", parse: parseSalted("md5", "suffix"), salted: true},
	{name: "sha1-salt-prefix", parse: parseSalted("sha1", "prefix"), salted: true},
	{name: "sha1-salt-suffix", parse: parseSalted("sha1", "suffix"), salted: true},
	{name: "sha256-salt-prefix", parse: parseSalted("sha256", "prefix"), salted: true},
	{name: "sha256-salt-suffix", parse: parseSalted("sha256", "suffix"), salted: true},
	{name: "sha512-salt-prefix", parse: parseSalted("sha512", "prefix"), salted: true},
	{name: "sha512-salt-suffix", parse: parseSalted("sha512", "suffix"), salted: true},

	{name: "hmac-md5", parse: parseHMAC("md5"), salted: true},
	{name: "hmac-sha1", parse: parseHMAC("sha1"), salted: true},
	{name: "hmac-sha256", parse: parseHMAC("sha256"), salted: true},
	{name: "hmac-sha512", parse: parseHMAC("sha512"), salted: true},
}

// newDigest is one run of a digest over salt and password.
func newDigest(name string, want, salt []byte, position string, utf16 bool) parsed {
	c := customHash{Algorithm: name, Hash: base64Hash(want), Salt: base64Salt(salt, position)}
	if utf16 {
		c.Password = &passwordEncoding{Encoding: "utf16le"}
	}
	p := parsed{convert: importCustom(c), verify: func(password string) bool {
		if utf16 {
			password = utf16le(password)
		}
		if position == "suffix" {
			return equal(digest(name, password, string(salt)), want)
		}
		return equal(digest(name, string(salt), password), want)
	}}
	if len(salt) > maxKey {
		p.convert = lazyOnly("the salt is longer than 1024 bytes")
	}
	return p
}

// parseRaw is a digest of the password and nothing else, in hex or base64.
func parseRaw(name string) func(Stored, limits) (parsed, error) {
	return func(s Stored, _ limits) (parsed, error) {
		want, ok := fromHexOrBase64(s.Value, hashes[name]().Size())
		if !ok {
			return parsed{}, malformed("must be the digest in hex or base64")
		}
		return newDigest(name, want, nil, "prefix", false), nil
	}
}

// parseSalted reads a digest with its salt, as text, in Salt or behind a colon.
func parseSalted(name, position string) func(Stored, limits) (parsed, error) {
	return func(s Stored, _ limits) (parsed, error) {
		value, salt, ok := beside(s)
		want, valid := fromHexOrBase64(value, hashes[name]().Size())
		if !ok || !valid {
			return parsed{}, malformed("must be the digest in hex or base64, and a salt in Salt or behind a colon")
		}
		return newDigest(name, want, []byte(salt), position, false), nil
	}
}

// beside is Value and Salt, or the parts of Value around its first colon.
func beside(s Stored) (value, salt string, ok bool) {
	if s.Salt != "" {
		return s.Value, s.Salt, true
	}
	return strings.Cut(s.Value, ":")
}

// parseNT is MD4 of the password in UTF-16LE: Active Directory, Samba.
func parseNT(s Stored, _ limits) (parsed, error) {
	value := s.Value[max(0, len(s.Value)-32):]
	label := s.Value[:len(s.Value)-len(value)]
	if !isHex(value, 32) || label != "" && !hasPrefixFold("$nt$", label) && !hasPrefixFold("{nt}", label) {
		return parsed{}, malformed("must be 32 hexadecimal digits")
	}
	want, _ := hex.DecodeString(value)
	return newDigest("md4", want, nil, "prefix", true), nil
}

func hmacImport(name string, want, key []byte) customHash {
	h := base64Hash(want)
	h.Digest, h.Key = name, &keyValue{Value: toBase64(key), Encoding: "base64"}
	return customHash{Algorithm: "hmac", Hash: h}
}

func newHMAC(name string, want, key []byte) parsed {
	p := parsed{convert: importCustom(hmacImport(name, want, key)), verify: func(password string) bool {
		mac := hmac.New(hashes[name], key)
		mac.Write([]byte(password))
		return hmac.Equal(mac.Sum(nil), want)
	}}
	if len(key) > maxKey {
		p.convert = lazyOnly("the key is longer than 1024 bytes")
	}
	return p
}

// parseHMAC is HMAC of the password under a key in Salt or behind a colon.
func parseHMAC(name string) func(Stored, limits) (parsed, error) {
	return func(s Stored, _ limits) (parsed, error) {
		value, key, ok := beside(s)
		want, valid := fromHexOrBase64(value, hashes[name]().Size())
		if !ok || !valid || key == "" {
			return parsed{}, malformed("must be the digest in hex or base64, and a key in Salt or behind a colon")
		}
		return newHMAC(name, want, []byte(key)), nil
	}
}

// parseWerkzeugHMAC reads digest$salt$hex of Werkzeug before 2.3, an HMAC under
// the salt. MD5 and SHA-1 look like Django's and need the Scheme.
func parseWerkzeugHMAC(s Stored, _ limits) (parsed, error) {
	name, salt, want, ok := splitWerkzeug(s.Value)
	name = strings.ToLower(name)
	if !ok || hashes[name] == nil || salt == "" || len(want) != hashes[name]().Size() {
		return parsed{}, malformed("must be <digest>$salt$hex")
	}
	return newHMAC(name, want, []byte(salt)), nil
}

// parseMediaWikiA reads :A:md5.
func parseMediaWikiA(s Stored, l limits) (parsed, error) {
	value, _ := cutPrefixFold(s.Value, ":a:")
	return parseRaw("md5")(Stored{Value: value}, l)
}

func isMagento2(value string) bool {
	parts := strings.Split(value, ":")
	return len(parts) == 3 && (isHex(parts[0], 64) || isHex(parts[0], 32)) && parts[2] != "" && strings.Trim(parts[2], "0123456789_") == ""
}

// parseMagento2 reads hex:salt:version: 0 is MD5 and 1 is SHA-256 of salt and
// password; 2 and 3_length_passes_bytes are argon2id with the first 16
// characters of the salt. Chains of versions are not read.
func parseMagento2(s Stored, l limits) (parsed, error) {
	if !isMagento2(s.Value) {
		return parsed{}, malformed("must be hex:salt:version")
	}
	parts := strings.Split(s.Value, ":")
	want, _ := hex.DecodeString(parts[0])
	salt := parts[1]
	switch {
	case parts[2] == "0" && len(want) == 16:
		return newDigest("md5", want, []byte(salt), "prefix", false), nil
	case parts[2] == "1" && len(want) == 32:
		return newDigest("sha256", want, []byte(salt), "prefix", false), nil
	case parts[2] == "2":
		parts[2] = "3_32_2_67108864"
	}
	numbers := strings.Split(parts[2], "_")
	if len(numbers) != 4 || numbers[0] != "3" || len(want) != 32 || len(salt) < 16 {
		return parsed{}, malformed("unknown version")
	}
	passes, passesOK := number(numbers[2])
	memory, memoryOK := number(numbers[3])
	if !passesOK || !memoryOK {
		return parsed{}, malformed("version has parameters that are not numbers")
	}
	return argon2Hash{variant: "argon2id", m: memory / 1024, t: passes, p: 1, salt: []byte(salt[:16]), key: want}.check(l)
}
