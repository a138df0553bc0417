package passhash

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// columnFormats are hashes whose parts lie in columns of their own.
var columnFormats = []format{
	{name: "mssql", prefixes: []string{"0x0100", "0x0200"}, parse: parseMSSQL},
	{name: "postgres-md5", detect: isPostgresMD5, parse: parsePostgresMD5, salted: true},
	{name: "grub", prefixes: []string{"grub.pbkdf2."}, parse: parseGRUB},
	{name: "cryptacular", detect: isCryptacular, parse: parseCryptacular},
	{name: "dlitz", detect: func(v string) bool { return hasPrefixFold(v, "$p5k2$") && !isCryptacular(v) }, parse: parseDlitz},
	{name: "firebase", parse: parseFirebase, salted: true},
	{name: "pbkdf2-sha1", parse: parseCountedPBKDF2("sha1"), salted: true, counted: true},
	{name: "pbkdf2-sha256", parse: parseCountedPBKDF2("sha256"), salted: true, counted: true},
	{name: "pbkdf2-sha512", parse: parseCountedPBKDF2("sha512"), salted: true, counted: true},
}

// options are what stands behind the name of a scheme: "md5-salt-prefix@hex@latin1".
type options struct{ latin1 bool }

// cutOptions takes the options off, and decodes a salt that is hex or base64.
func cutOptions(s *Stored) (o options, err error) {
	parts := strings.Split(s.Scheme, "@")
	s.Scheme = parts[0]
	for _, option := range parts[1:] {
		if option = strings.ToLower(option); option == "latin1" {
			o.latin1 = true
			continue
		}
		value, salt, ok := beside(*s)
		var raw []byte
		switch option {
		case "hex":
			raw, err = hex.DecodeString(strings.TrimPrefix(salt, "0x"))
			ok = ok && err == nil
		case "base64":
			var valid bool
			raw, valid = fromBase64(salt)
			ok = ok && valid
		default:
			return o, malformed("an option of the Scheme must be @latin1, @hex or @base64")
		}
		if !ok || len(raw) == 0 {
			return o, malformed("the salt is not of the encoding that the Scheme says")
		}
		s.Value, s.Salt = value, string(raw)
	}
	return o, nil
}

// parseCountedPBKDF2 reads a hash in hex or base64, with Salt and Iterations.
func parseCountedPBKDF2(name string) func(Stored, limits) (parsed, error) {
	return func(s Stored, l limits) (parsed, error) {
		n, ok := number(s.Iterations)
		key, err := hex.DecodeString(s.Value)
		if err != nil {
			var valid bool
			if key, valid = fromBase64(s.Value); !valid {
				ok = false
			}
		}
		if !ok {
			return parsed{}, malformed("Value must be hex or base64, and Iterations a number")
		}
		return newPBKDF2(l, name, n, []byte(s.Salt), key)
	}
}

// parseMSSQL reads what SQL Server keeps: version, four bytes of salt, and the digest
// of password and salt, SHA-1 from 2005 on and SHA-512 from 2012 on. That of 2000 has
// a second digest of the password in upper case, which is left out.
func parseMSSQL(s Stored, _ limits) (parsed, error) {
	raw, err := hex.DecodeString(s.Value[2:])
	switch {
	case err == nil && raw[0] == 1 && (len(raw) == 6+20 || len(raw) == 6+40):
		return newDigest("sha1", raw[6:26], raw[2:6], "suffix", true), nil
	case err == nil && raw[0] == 2 && len(raw) == 6+64:
		return newDigest("sha512", raw[6:], raw[2:6], "suffix", true), nil
	}
	return parsed{}, malformed("must be 0x0100 or 0x0200, salt and digest in hex")
}

func isPostgresMD5(value string) bool { return hasPrefixFold(value, "md5") && isHex(value[3:], 32) }

// parsePostgresMD5 reads md5 and the hex digest of password and name of the role.
func parsePostgresMD5(s Stored, l limits) (parsed, error) {
	if !isPostgresMD5(s.Value) || s.Salt == "" {
		return parsed{}, malformed("must be md5 and 32 hexadecimal digits, with the name of the role as Salt")
	}
	return parseSalted("md5", "suffix")(Stored{Value: s.Value[3:], Salt: s.Salt}, l)
}

// parseGRUB reads grub.pbkdf2.sha512.iterations.salt.hash in hex.
func parseGRUB(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, ".")
	if len(parts) != 6 {
		return parsed{}, malformed("must be grub.pbkdf2.<digest>.iterations.salt.hash")
	}
	n, ok := number(parts[3])
	salt, saltErr := hex.DecodeString(parts[4])
	key, keyErr := hex.DecodeString(parts[5])
	if !ok || saltErr != nil || keyErr != nil {
		return parsed{}, malformed("salt and hash must be hex")
	}
	return newPBKDF2(l, strings.ToLower(parts[2]), n, salt, key)
}

// isCryptacular tells Cryptacular's $p5k2$, which pads its base64, from dlitz's.
func isCryptacular(value string) bool {
	return hasPrefixFold(value, "$p5k2$") && strings.HasSuffix(value, "=")
}

// parseCryptacular reads $p5k2$rounds in hex$salt$hash, PBKDF2 with SHA-1.
func parseCryptacular(s Stored, l limits) (parsed, error) {
	return parseP5K2(s, l, func(parts []string) ([]byte, bool) {
		salt, err := base64.URLEncoding.DecodeString(parts[3])
		return salt, err == nil
	})
}

// parseDlitz is the same with everything before the hash as salt.
func parseDlitz(s Stored, l limits) (parsed, error) {
	return parseP5K2(s, l, func(parts []string) ([]byte, bool) { return []byte(strings.Join(parts[:4], "$")), true })
}

func parseP5K2(s Stored, l limits, salt func(parts []string) ([]byte, bool)) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 5 || len(parts[2]) > 8 {
		return parsed{}, malformed("must be $p5k2$rounds$salt$hash")
	}
	rounds, rest := int64(400), parts[2] // none are 400
	if rest != "" {
		rounds = 0
		for _, c := range strings.ToLower(rest) {
			digit := strings.IndexRune("0123456789abcdef", c)
			if digit < 0 {
				return parsed{}, malformed("rounds must be hex")
			}
			rounds = rounds<<4 | int64(digit)
		}
	}
	key, keyOK := fromBase64(strings.NewReplacer("-", "+", "_", "/").Replace(parts[4]))
	salted, ok := salt(parts)
	if !ok || !keyOK {
		return parsed{}, malformed("salt and hash must be base64")
	}
	return newPBKDF2(l, "sha1", rounds, salted, key)
}

// parseFirebase reads Firebase's modified scrypt: Value is passwordHash, and Salt the
// user's salt with the project's parameters, "salt:signerKey:saltSeparator:rounds:
// memCost". The derived key encrypts the signer key, and that is the hash.
func parseFirebase(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Salt, ":")
	if len(parts) != 5 {
		return parsed{}, malformed("Salt must be salt:signerKey:saltSeparator:rounds:memCost")
	}
	var raw [4][]byte
	for i, text := range []string{s.Value, parts[0], parts[1], parts[2]} {
		var ok bool
		if raw[i], ok = fromBase64(strings.NewReplacer("-", "+", "_", "/").Replace(text)); !ok {
			return parsed{}, malformed("hash, salt, signer key and separator must be base64")
		}
	}
	r, rOK := number(parts[3])
	log, logOK := number(parts[4])
	if !rOK || !logOK || log < 1 || log > 30 || len(raw[0]) != len(raw[2]) || len(raw[0]) == 0 {
		return parsed{}, malformed("rounds and memCost must be numbers, and the hash as long as the signer key")
	}
	n := int64(1) << log
	if err := firstError(l.within("N", n, 2, l.scryptMemory/128), l.within("r", r, 1, l.scryptMemory/128/n)); err != nil {
		return parsed{}, err
	}
	salt := slices.Concat(raw[1], raw[3])
	return parsed{convert: lazyOnly("Auth0 has no scrypt with a signer key"), verify: func(password string) bool {
		key, err := scrypt.Key([]byte(password), salt, int(n), int(r), 1, 64)
		if err != nil {
			return false
		}
		block, err := aes.NewCipher(key[:32])
		if err != nil {
			return false
		}
		got := make([]byte, len(raw[2]))
		cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(got, raw[2])
		return equal(got, raw[0])
	}}, nil
}

// inLatin1 reads the typed password as ISO 8859-1, here and at Auth0.
func inLatin1(p parsed) parsed {
	verify, convert := p.verify, p.convert
	p.verify = func(password string) bool {
		b := make([]byte, 0, len(password))
		for _, r := range password {
			if r > 0xff {
				return false
			}
			b = append(b, byte(r))
		}
		return verify(string(b))
	}
	p.convert = func() (Import, string) {
		i, reason := convert()
		if reason != "" {
			return i, reason
		}
		var c customHash
		var bcrypt string
		if i.Field == "password_hash" && json.Unmarshal(i.JSON, &bcrypt) == nil {
			c = customHash{Algorithm: "bcrypt", Hash: utf8Hash(bcrypt)}
		} else if json.Unmarshal(i.JSON, &c) != nil || c.Password != nil {
			return Import{}, "it has an encoding of its own"
		}
		c.Password = &passwordEncoding{Encoding: "latin1"}
		return importCustom(c)()
	}
	return p
}
