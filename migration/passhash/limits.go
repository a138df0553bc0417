package passhash

import (
	"fmt"
	"strconv"
)

// limits bound what one verification may cost, so that a hostile or corrupt row
// cannot occupy the machine. They are checked before anything is computed.
type limits struct {
	bcryptCost   int64 // log2 of the rounds
	argon2Memory int64 // KiB
	argon2Work   int64 // KiB times passes
	pbkdf2Rounds int64 // iterations times blocks of output
	scryptMemory int64 // bytes: 128*N*r
	scryptWork   int64 // bytes: 128*N*r*p
	digestRounds int64 // rounds of iterated digests

	costs *[]string // for Kind: what was checked
}

// standard allows what any framework or guide recommends (OWASP, Django 6,
// RFC 9106's 64 MiB option, libsodium's "sensitive" presets), and several
// seconds of work at most.
var standard = limits{
	bcryptCost:   16,
	argon2Memory: 1 << 20,
	argon2Work:   4 << 20,
	pbkdf2Rounds: 1 << 24,
	scryptMemory: 1 << 30,
	scryptWork:   1 << 31,
	digestRounds: 1 << 20,
}

// maxKey bounds salts and digests, in bytes.
const maxKey = 1024

// within checks low <= n <= high; below is a malformed hash, above a costly one.
func (l limits) within(what string, n, low, high int64) error {
	if l.costs != nil {
		*l.costs = append(*l.costs, what+" "+strconv.FormatInt(n, 10))
	}
	if n < low {
		return fmt.Errorf("%w: %s is below %d", ErrFormat, what, low)
	}
	if n > high {
		return fmt.Errorf("%w: %s is above %d", ErrTooCostly, what, high)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
