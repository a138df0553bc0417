package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// NewUUID returns a random UUID.
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// RandomID returns n random letters and digits.
func RandomID(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i, c := range b {
		b[i] = alphabet[int(c)%len(alphabet)]
	}
	return string(b)
}

// NewID returns an id such as "rol_…" with Auth0's sixteen characters.
func NewID(prefix string) string { return prefix + "_" + RandomID(16) }

// NewUserID returns 24 hexadecimal digits in the way of a MongoDB object id:
// the second, then a random part.
func NewUserID(now time.Time) string {
	var b [12]byte
	rand.Read(b[4:])
	s := uint32(now.Unix())
	b[0], b[1], b[2], b[3] = byte(s>>24), byte(s>>16), byte(s>>8), byte(s)
	return hex.EncodeToString(b[:])
}

// FixedID returns n letters and digits that follow from what they name.
func FixedID(n int, of ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(of, "\n")))
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[int(sum[i])%len(alphabet)]
	}
	return string(b)
}

// RandomHex returns n random hexadecimal digits.
func RandomHex(n int) string {
	b := make([]byte, (n+1)/2)
	rand.Read(b)
	return hex.EncodeToString(b)[:n]
}

// NewULID returns an id of 26 letters and digits that begins with the time.
func NewULID(now time.Time) string {
	var raw [20]byte // Four bytes in front, so that base32 fills 26 of 32 letters.
	binary.BigEndian.PutUint64(raw[2:], uint64(now.UnixMilli()))
	rand.Read(raw[10:])
	return base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").EncodeToString(raw[:])[6:]
}

func Render[T any](rows []T, view func(T) any) []any {
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = view(r)
	}
	return out
}

// cursorTime is how the time in a cursor is written, as recorded.
const cursorTime = "2006-01-02 15:04:05.000000UTC"

// Mark is the place of a row in a list by time and id.
type Mark struct {
	At time.Time
	ID string
}

func (m Mark) Cursor() string {
	return base64.RawStdEncoding.EncodeToString([]byte(m.At.UTC().Format(cursorTime) + "," + m.ID))
}

func ParseCursor(s string) (Mark, bool) {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return Mark{}, false
	}
	at, id, found := strings.Cut(string(raw), ",")
	when, err := time.Parse(cursorTime, at)
	return Mark{when, id}, found && err == nil && id != ""
}

// Compare orders the oldest first.
func (m Mark) Compare(o Mark) int {
	if c := m.At.Compare(o.At); c != 0 {
		return c
	}
	return strings.Compare(m.ID, o.ID)
}
