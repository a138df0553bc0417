package auth0test

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"time"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// randomID returns n random letters and digits.
func randomID(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i, c := range b {
		b[i] = alphabet[int(c)%len(alphabet)]
	}
	return string(b)
}

// newID returns an id such as "rol_…" with Auth0's sixteen characters.
func newID(prefix string) string { return prefix + "_" + randomID(16) }

// newUserID returns 24 hexadecimal digits in the way of a MongoDB object id:
// the second, then a random part.
func newUserID(now time.Time) string {
	var b [12]byte
	rand.Read(b[4:])
	s := uint32(now.Unix())
	b[0], b[1], b[2], b[3] = byte(s>>24), byte(s>>16), byte(s>>8), byte(s)
	return hex.EncodeToString(b[:])
}

// randomHex returns n random hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, (n+1)/2)
	rand.Read(b)
	return hex.EncodeToString(b)[:n]
}

// newULID returns an id of 26 letters and digits that begins with the time.
func newULID(now time.Time) string {
	var raw [20]byte // Four bytes in front, so that base32 fills 26 of 32 letters.
	binary.BigEndian.PutUint64(raw[2:], uint64(now.UnixMilli()))
	rand.Read(raw[10:])
	return base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").EncodeToString(raw[:])[6:]
}
