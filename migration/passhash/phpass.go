package passhash

import "github.com/go-crypt/x/yescrypt"

var phpassFormats = []format{
	{name: "phpass", prefixes: []string{"$p$", "$h$"}, parse: parsePHPass},
	{name: "drupal7", prefixes: []string{"$s$", "u$s$"}, parse: parseDrupal},
}

// parsePHPass reads the portable hashes of phpass, $P$ in WordPress before 6.8
// and $H$ in phpBB3: a character for log2 of the rounds, 8 of salt, 22 of hash.
func parsePHPass(s Stored, l limits) (parsed, error) {
	if len(s.Value) != 34 {
		return parsed{}, malformed("must have 34 characters")
	}
	return newPHPass("md5", s.Value, l, unchanged)
}

// parseDrupal reads Drupal 7's $S$, which is phpass over SHA-512, cut to 55
// characters; U$ marks hashes of the MD5 hashes that Drupal 6 had.
func parseDrupal(s Stored, l limits) (parsed, error) {
	value, before := s.Value, unchanged
	if value[0] == 'U' || value[0] == 'u' {
		value, before = value[1:], func(password string) string { return hexDigest("md5", password) }
	}
	if len(value) != 55 {
		return parsed{}, malformed("must have 55 characters")
	}
	return newPHPass("sha512", value, l, before)
}

func newPHPass(name, value string, l limits, before func(string) string) (parsed, error) {
	log := int64(crypt64(value[3:4]))
	if log > 30 {
		return parsed{}, malformed("the count is above phpass's 30")
	}
	// The count is bounded through its logarithm; 1<<30 does not overflow.
	if err := firstError(l.within("log2 of the rounds", log, 7, 30), l.within("rounds", 1<<max(log, 0), 1, l.digestRounds)); err != nil {
		return parsed{}, err
	}
	salt := value[4:12]
	return lazyDigest(value[12:], "iterated "+name, func(password string) string {
		password = before(password)
		sum := digest(name, salt, password)
		for range 1 << log {
			sum = digest(name, string(sum), password)
		}
		encoded := string(yescrypt.Encode64(sum))
		return encoded[:len(value)-12]
	}), nil
}
