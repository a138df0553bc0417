package passhash

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"

	"github.com/go-crypt/x/crypt"
	"github.com/go-crypt/x/yescrypt"
)

// The schemes of crypt(5). Auth0 has none of them but bcrypt and, in its own
// notation, scrypt.
var cryptFormats = []format{
	{name: "md5-crypt", prefixes: []string{"$1$"}, parse: parseMD5Crypt},
	{name: "apr1", prefixes: []string{"$apr1$"}, parse: parseMD5Crypt},
	{name: "sha1-crypt", prefixes: []string{"$sha1$"}, parse: parseSHA1Crypt},
	{name: "sha256-crypt", prefixes: []string{"$5$"}, parse: parseSHACrypt("$5$", 43, sha256.New)},
	{name: "sha512-crypt", prefixes: []string{"$6$"}, parse: parseSHACrypt("$6$", 86, sha512.New)},
	{name: "yescrypt", prefixes: []string{"$y$"}, parse: parseYescrypt},
	{name: "gost-yescrypt", prefixes: []string{"$gy$"}, parse: parseYescrypt},
	{name: "scrypt-crypt", prefixes: []string{"$7$"}, parse: parseScryptCrypt},
}

func lazyDigest(want, algorithm string, compute func(password string) string) parsed {
	return parsed{
		verify:  func(password string) bool { return equal([]byte(compute(password)), []byte(want)) },
		convert: lazyOnly("Auth0 has no " + algorithm),
	}
}

// parseMD5Crypt reads $1$salt$hash and Apache's $apr1$salt$hash.
func parseMD5Crypt(s Stored, _ limits) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 4 || parts[0] != "" || len(parts[2]) > 8 || len(parts[3]) != 22 {
		return parsed{}, malformed("must be $1$ or $apr1$, a salt of at most 8 characters, and 22 more")
	}
	magic := "$" + parts[1] + "$"
	return lazyDigest(parts[3], "MD5 crypt", func(password string) string { return md5Crypt(password, magic, parts[2]) }), nil
}

// md5Crypt is Poul-Henning Kamp's algorithm of 1994, in which only the magic
// string tells BSD's and Apache's hashes apart.
func md5Crypt(password, magic, salt string) string {
	h := md5.New()
	write := func(parts ...string) {
		for _, part := range parts {
			h.Write([]byte(part))
		}
	}
	write(password, salt, password)
	inner := string(h.Sum(nil))
	h.Reset()
	write(password, magic, salt)
	for n := len(password); n > 0; n -= md5.Size {
		write(inner[:min(n, md5.Size)])
	}
	for n := len(password); n > 0; n >>= 1 {
		if n&1 == 1 {
			write("\x00")
		} else {
			write(password[:1])
		}
	}
	sum := string(h.Sum(nil))
	for round := range 1000 {
		h.Reset()
		start, end := sum, password
		if round&1 == 1 {
			start, end = end, start
		}
		write(start)
		if round%3 != 0 {
			write(salt)
		}
		if round%7 != 0 {
			write(password)
		}
		write(end)
		sum = string(h.Sum(nil))
	}
	var ordered [md5.Size]byte
	for i, from := range md5CryptOrder {
		ordered[i] = sum[from]
	}
	return string(yescrypt.Encode64(ordered[:]))
}

var md5CryptOrder = [md5.Size]int{12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11}

const crypt64Alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// crypt64 is the number that characters of crypt(3) stand for, low bits first, or
// -1.
func crypt64(s string) (n int) {
	for i := len(s) - 1; i >= 0; i-- {
		digit := strings.IndexByte(crypt64Alphabet, s[i])
		if digit < 0 {
			return -1
		}
		n = n<<6 | digit
	}
	return n
}

// parseSHA1Crypt reads NetBSD's $sha1$rounds$salt$hash.
func parseSHA1Crypt(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 5 || len(parts[3]) > 64 || len(parts[4]) != 28 {
		return parsed{}, malformed("must be $sha1$rounds$salt$hash")
	}
	rounds, ok := number(parts[2])
	if !ok {
		return parsed{}, malformed("rounds are not a number")
	}
	if err := l.within("rounds", rounds, 1, l.digestRounds); err != nil {
		return parsed{}, err
	}
	// Implementations fill the last three bytes differently; the first 24
	// characters hold 144 bits of the digest.
	return lazyDigest(parts[4][:24], "SHA-1 crypt", func(password string) string {
		return string(crypt.KeySHA1Crypt([]byte(password), []byte(parts[3]), uint32(rounds)))[:24]
	}), nil
}

// parseSHACrypt reads $5$ and $6$, with rounds=N$ or 5,000 rounds, by Ulrich
// Drepper's specification: at least 1,000 rounds, 16 characters of salt.
func parseSHACrypt(prefix string, size int, newHash func() hash.Hash) func(Stored, limits) (parsed, error) {
	return func(s Stored, l limits) (parsed, error) {
		rest, ok := strings.CutPrefix(s.Value, prefix)
		rounds := int64(5000)
		if given, more, cut := strings.Cut(rest, "$"); cut && strings.HasPrefix(given, "rounds=") {
			var isNumber bool
			if rounds, isNumber = number(given[len("rounds="):]); !isNumber {
				return parsed{}, malformed("rounds are not a number")
			}
			rest = more
		}
		salt, want, cut := strings.Cut(rest, "$")
		if !ok || !cut || len(want) != size {
			return parsed{}, malformed("must be salt and hash of the right length")
		}
		if err := l.within("rounds", rounds, 0, l.digestRounds); err != nil {
			return parsed{}, err
		}
		rounds, salt = max(rounds, 1000), salt[:min(len(salt), 16)]
		return lazyDigest(want, "SHA crypt", func(password string) string {
			return string(crypt.KeySHACrypt(newHash, []byte(password), []byte(salt), int(rounds)))
		}), nil
	}
}

// parseYescrypt reads what libxcrypt writes: $y$j or $gy$j, one character each for N
// and r.
func parseYescrypt(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 5 || len(parts[2]) != 3 || parts[2][0] != 'j' || len(parts[3]) > 86 || len(parts[4]) != 43 {
		return parsed{}, malformed("must be $y$j.. or $gy$j.., salt and hash")
	}
	log, r := int64(crypt64(parts[2][1:2]))+1, int64(crypt64(parts[2][2:]))+1
	if err := firstError(
		l.within("N", log, 10, 18), // what the library computes
		l.within("r", r, 1, min(32, max(1, l.scryptMemory/128>>log))),
	); err != nil {
		return parsed{}, err
	}
	if yescrypt.Decode64([]byte(parts[3])) == nil {
		return parsed{}, malformed("salt has characters outside of the alphabet")
	}
	return lazyDigest(s.Value, "yescrypt", func(password string) string {
		out, err := yescrypt.Hash([]byte(password), []byte("$y$"+strings.Join(parts[2:], "$")))
		if err != nil {
			return ""
		}
		if parts[1] == "gy" {
			return gostYescrypt(password, s.Value, out)
		}
		return string(out)
	}), nil
}

// gostYescrypt makes of yescrypt's hash that of libxcrypt's gost-yescrypt: its HMAC
// under that of the setting, under the hash of the password.
func gostYescrypt(password, stored string, plain []byte) string {
	end := strings.LastIndexByte(stored, '$')
	keyed := func(key, message []byte) []byte {
		h := hmac.New(func() hash.Hash { return new(streebog) }, key)
		h.Write(message)
		return h.Sum(nil)
	}
	first := streebog{text: []byte(password)}
	second := keyed(first.Sum(nil), []byte(stored[:end]))
	return stored[:end+1] + string(yescrypt.Encode64(keyed(second, yescrypt.Decode64(plain[bytes.LastIndexByte(plain, '$')+1:]))))
}

// parseScryptCrypt reads $7$: one character for log2(N), five each for r and p,
// a salt that is taken as it stands, and the hash.
func parseScryptCrypt(s Stored, l limits) (parsed, error) {
	parts := strings.Split(s.Value, "$")
	if len(parts) != 4 || len(parts[2]) < 11 || len(parts[3]) != 43 {
		return parsed{}, malformed("must be $7$, 11 characters of parameters, salt and hash")
	}
	key := yescrypt.Decode64([]byte(parts[3]))
	log, r, p := crypt64(parts[2][:1]), crypt64(parts[2][1:6]), crypt64(parts[2][6:11])
	if key == nil || log < 1 || log > 40 || r < 0 || p < 0 {
		return parsed{}, malformed("has characters outside of the alphabet")
	}
	return newScrypt(l, 1<<log, int64(r), int64(p), []byte(parts[2][11:]), key)
}
