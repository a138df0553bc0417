package passhash

import (
	"encoding/hex"
	"strconv"
	"strings"

	"golang.org/x/crypto/scrypt"
)

var scryptFormats = []format{
	{name: "passlib-scrypt", prefixes: []string{"$scrypt$"}, parse: parsePasslibScrypt},
	{name: "django-scrypt", prefixes: []string{"scrypt$"}, parse: parseDjangoScrypt},
	{name: "werkzeug-scrypt", detect: isWerkzeugScrypt, parse: parseWerkzeugScrypt},
	{name: "scrypt", detect: isPlainScrypt, parse: parsePlainScrypt},
	{name: "spring-scrypt", prefixes: []string{"{scrypt}", "{scrypt@springsecurity_v5_8}"}, parse: parseSpringScrypt},
}

// newScrypt is RFC 7914 scrypt, which Auth0 takes with its parameters as numbers.
func newScrypt(l limits, n, r, p int64, salt, key []byte) (parsed, error) {
	if n < 2 || n&(n-1) != 0 {
		return parsed{}, malformed("N must be a power of two greater than one")
	}
	err := firstError(
		l.within("N", n, 2, l.scryptMemory/128),
		l.within("r", r, 1, l.scryptMemory/128/n),
		l.within("p", p, 1, l.scryptWork/128/n/max(r, 1)),
		l.within("length of the hash", int64(len(key)), 8, maxKey),
		l.within("length of the salt", int64(len(salt)), 0, maxKey),
	)
	if err != nil {
		return parsed{}, err
	}
	return parsed{
		verify: func(password string) bool {
			got, err := scrypt.Key([]byte(password), salt, int(n), int(r), int(p), len(key))
			return err == nil && equal(got, key)
		},
		convert: importCustom(customHash{
			Algorithm: "scrypt", Hash: base64Hash(key), Salt: base64Salt(salt, ""),
			KeyLength: len(key), Cost: n, BlockSize: r, Parallelization: p,
		}),
	}, nil
}

// scryptFields is newScrypt over numbers that are still text.
func scryptFields(l limits, n, r, p string, salt, key []byte) (parsed, error) {
	cost, nOK := number(n)
	block, rOK := number(r)
	parallel, pOK := number(p)
	if !nOK || !rOK || !pOK {
		return parsed{}, malformed("N, r and p must be numbers")
	}
	return newScrypt(l, cost, block, parallel, salt, key)
}

// parsePasslibScrypt reads $scrypt$ln=16,r=8,p=1$salt$hash.
func parsePasslibScrypt(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 5 {
		return parsed{}, malformed("must be $scrypt$ln=…,r=…,p=…$salt$hash")
	}
	salt, saltOK := fromBase64(parts[3])
	key, keyOK := fromBase64(parts[4])
	parameters := map[string]string{}
	for parameter := range strings.SplitSeq(parts[2], ",") {
		name, value, _ := strings.Cut(parameter, "=")
		parameters[name] = value
	}
	log, ok := number(parameters["ln"])
	if !saltOK || !keyOK || !ok || log > 40 || len(parameters) != 3 {
		return parsed{}, malformed("must have ln, r and p, and base64 after them")
	}
	return scryptFields(l, strconv.FormatInt(1<<log, 10), parameters["r"], parameters["p"], salt, key)
}

// parseDjangoScrypt reads scrypt$N$salt$r$p$hash, whose salt is text.
func parseDjangoScrypt(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 6 {
		return parsed{}, malformed("must be scrypt$N$salt$r$p$hash")
	}
	key, ok := fromBase64(parts[5])
	if !ok {
		return parsed{}, malformed("hash must be base64")
	}
	return scryptFields(l, parts[1], parts[3], parts[4], []byte(parts[2]), key)
}

func isWerkzeugScrypt(value string) bool {
	return hasPrefixFold(value, "scrypt:") && strings.Contains(value, "$")
}

// parseWerkzeugScrypt reads scrypt:N:r:p$salt$hex.
func parseWerkzeugScrypt(s Stored, l limits) (parsed, error) {
	method, salt, key, ok := splitWerkzeug(s.Value)
	parts := strings.Split(method, ":")
	if !ok || len(parts) != 4 {
		return parsed{}, malformed("must be scrypt:N:r:p$salt$hash")
	}
	return scryptFields(l, parts[1], parts[2], parts[3], []byte(salt), key)
}

// splitWerkzeug reads method$salt$hex.
func splitWerkzeug(value string) (method, salt string, key []byte, ok bool) {
	parts := strings.Split(value, "$")
	if len(parts) != 3 {
		return "", "", nil, false
	}
	key, err := hex.DecodeString(parts[2])
	return parts[0], parts[1], key, err == nil
}

func isPlainScrypt(value string) bool {
	return hasPrefixFold(value, "scrypt:") && !strings.Contains(value, "$")
}

// parsePlainScrypt reads SCRYPT:N:r:p:salt:hash in base64, hashcat's form.
func parsePlainScrypt(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, ":")
	if len(parts) != 6 {
		return parsed{}, malformed("must be SCRYPT:N:r:p:salt:hash")
	}
	salt, saltOK := fromBase64(parts[4])
	key, keyOK := fromBase64(parts[5])
	if !saltOK || !keyOK {
		return parsed{}, malformed("salt and hash must be base64")
	}
	return scryptFields(l, parts[1], parts[2], parts[3], salt, key)
}

// parseSpringScrypt reads $parameters$salt$key of SCryptPasswordEncoder, in which
// the parameters are log2(N), r and p packed into one hexadecimal number.
func parseSpringScrypt(s Stored, l limits) (parsed, error) {
	value := s.Value
	if _, rest, ok := strings.Cut(value, "}"); ok {
		value = rest
	}
	parts := strings.Split(value, "$")
	if len(parts) != 4 || parts[0] != "" {
		return parsed{}, malformed("must be $parameters$salt$hash")
	}
	packed, err := strconv.ParseUint(parts[1], 16, 32)
	salt, saltOK := fromBase64(parts[2])
	key, keyOK := fromBase64(parts[3])
	if err != nil || packed>>16 > 40 || !saltOK || !keyOK {
		return parsed{}, malformed("parameters must be hexadecimal, salt and hash base64")
	}
	return newScrypt(l, 1<<(packed>>16), int64(packed>>8&0xff), int64(packed&0xff), salt, key)
}
