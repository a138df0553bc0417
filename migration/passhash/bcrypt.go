package passhash

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

var bcryptFormats = []format{
	{name: "bcrypt", prefixes: []string{"$2a$", "$2b$", "$2y$"}, parse: parseBcrypt},
	{name: "devise", parse: parseDevise, salted: true},
	{name: "django-bcrypt-sha256", prefixes: []string{"bcrypt_sha256$"}, parse: parseDjangoBcryptSHA256},
	{name: "passlib-bcrypt-sha256", prefixes: []string{"$bcrypt-sha256$"}, parse: parsePasslibBcryptSHA256},
	{name: "wordpress", prefixes: []string{"$wp$2"}, parse: parseWordPress},
	{name: "bcrypt-md5", parse: parseBcryptOver("md5")},
	{name: "bcrypt-sha1", parse: parseBcryptOver("sha1")},
	{name: "bcrypt-sha256", parse: parseBcryptOver("sha256")},
	{name: "bcrypt-sha512", parse: parseBcryptOver("sha512")},
}

const bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// checkBcrypt refuses $2$ and $2x$: the first hashes no terminator, the second
// has the sign bug of crypt_blowfish 1.0, and Auth0 takes neither.
func checkBcrypt(value string, l limits) (cost int64, err error) {
	if len(value) != 60 || value[:2] != "$2" || !strings.Contains("aby", value[2:3]) || value[3] != '$' || value[6] != '$' {
		return 0, malformed("must be $2a$, $2b$ or $2y$, two digits, and 53 characters")
	}
	if strings.Trim(value[7:], bcryptAlphabet) != "" {
		return 0, malformed("has characters outside of bcrypt's alphabet")
	}
	cost, ok := number(value[4:6])
	if !ok {
		return 0, malformed("cost is not a number")
	}
	return cost, l.within("cost", cost, int64(bcrypt.MinCost), l.bcryptCost)
}

// verifyBcrypt compares bcrypt of what before makes of a password. bcrypt takes
// the first 72 bytes of longer input, as Auth0 does.
func verifyBcrypt(value string, before func(password string) string) func(string) bool {
	return func(password string) bool {
		return bcrypt.CompareHashAndPassword([]byte(value), []byte(before(password))) == nil
	}
}

func unchanged(password string) string { return password }

// parseBcrypt converts to password_hash where its pattern allows (cost 10, not
// $2y$), which even Auth0's simplest importers take, and else to the custom hash.
func parseBcrypt(s Stored, l limits) (parsed, error) {
	cost, err := checkBcrypt(s.Value, l)
	if err != nil {
		return parsed{}, err
	}
	p := parsed{verify: verifyBcrypt(s.Value, unchanged)}
	if cost == 10 && s.Value[2] != 'y' {
		p.convert = importBcrypt(s.Value)
	} else {
		p.convert = importCustom(customHash{Algorithm: "bcrypt", Hash: utf8Hash(s.Value)})
	}
	return p, nil
}

// parseDevise is bcrypt of password and pepper (config.pepper, given as Salt).
func parseDevise(s Stored, l limits) (parsed, error) {
	if s.Salt == "" {
		return parseBcrypt(s, l)
	}
	if _, err := checkBcrypt(s.Value, l); err != nil {
		return parsed{}, err
	}
	if len(s.Salt) > maxKey {
		return parsed{}, malformed("the pepper in Salt is longer than 1024 bytes")
	}
	return parsed{
		verify: verifyBcrypt(s.Value, func(password string) string { return password + s.Salt }),
		convert: importCustom(customHash{
			Algorithm: "bcrypt", Hash: utf8Hash(s.Value), Salt: base64Salt([]byte(s.Salt), "suffix"),
		}),
	}, nil
}

func lazyBcrypt(value string, l limits, before func(string) string) (parsed, error) {
	if _, err := checkBcrypt(value, l); err != nil {
		return parsed{}, err
	}
	return parsed{
		verify:  verifyBcrypt(value, before),
		convert: lazyOnly("bcrypt over another digest, and Auth0 gives bcrypt the password itself"),
	}, nil
}

// parseBcryptOver is bcrypt(hex(digest(password))), a frequent upgrade of old
// tables.
func parseBcryptOver(name string) func(Stored, limits) (parsed, error) {
	return func(s Stored, l limits) (parsed, error) {
		return lazyBcrypt(s.Value, l, func(password string) string { return hexDigest(name, password) })
	}
}

func parseDjangoBcryptSHA256(s Stored, l limits) (parsed, error) {
	value, _ := cutPrefixFold(s.Value, "bcrypt_sha256$")
	return lazyBcrypt(value, l, func(password string) string { return hexDigest("sha256", password) })
}

// parsePasslibBcryptSHA256 reads both versions: $bcrypt-sha256$2b,12$salt$digest
// over SHA-256 and $bcrypt-sha256$v=2,t=2b,r=12$salt$digest over HMAC-SHA-256
// with the salt as key.
func parsePasslibBcryptSHA256(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 5 {
		return parsed{}, malformed("must have parameters, salt and digest")
	}
	parameters, salt, sum := parts[2], parts[3], parts[4]
	rest, second := strings.CutPrefix(parameters, "v=2,t=")
	ident, cost, ok := strings.Cut(rest, ",")
	if second {
		cost, ok = strings.CutPrefix(cost, "r=")
	}
	if !ok || len(cost) > 2 {
		return parsed{}, malformed("parameters are neither version 1 nor 2")
	}
	value := fmt.Sprintf("$%s$%02s$%s%s", ident, cost, salt, sum)
	return lazyBcrypt(value, l, func(password string) string {
		if !second {
			return toBase64(digest("sha256", password))
		}
		mac := hmac.New(sha256.New, []byte(salt))
		mac.Write([]byte(password))
		return toBase64(mac.Sum(nil))
	})
}

// parseWordPress is the hash of WordPress 6.8 and later (wp_hash_password):
// bcrypt of base64(HMAC-SHA-384("wp-sha384", trimmed password)).
func parseWordPress(s Stored, l limits) (parsed, error) {
	value, _ := cutPrefixFold(s.Value, "$wp")
	return lazyBcrypt(value, l, func(password string) string {
		mac := hmac.New(sha512.New384, []byte("wp-sha384"))
		mac.Write([]byte(strings.Trim(password, " \t\n\r\x00\x0b"))) // PHP's trim
		return toBase64(mac.Sum(nil))
	})
}
