package driver

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// MaxPayload is how many bytes a payload has at most before it is sealed.
const MaxPayload = 256 << 10

// Key is where a store keeps a session: the SHA-256 of the token. A stolen
// database has no token in it: 256 random bits cannot be found from their hash.
//
// The token names the user and the SID too, by 128 bits of a hash, zero for none, so
// that a store can ask for the session and for what revokes it at once. Names are
// what a client has sent: what the record says decides.
type Key struct {
	User, SID [16]byte
	Hash      [sha256.Size]byte
}

// KeyOf returns a key with the names of a user and a SID, and no Hash.
func KeyOf(userID, sid string) Key {
	return Key{User: nameOf("user", userID), SID: nameOf("sid", sid)}
}

func nameOf(kind, id string) (n [16]byte) {
	if id != "" {
		sum := sha256.Sum256([]byte("auth0kit/session " + kind + " v1\x00" + id))
		copy(n[:], sum[:])
	}
	return n
}

// Tag returns 16 bits of the user's name, by which a store may place all sessions of
// one user together.
func (k Key) Tag() uint16 { return binary.BigEndian.Uint16(k.User[:]) }

// Device says where a session was started. It is personal data.
type Device struct {
	UserAgent string
	IP        string
}

// Method is one authentication method and when it was last used. The name may be
// empty: the user signed in, and nobody said how.
type Method struct {
	Name string
	At   time.Time
}

// Record is a session as a [Store] keeps it. Times are UTC and whole
// milliseconds. Neither side changes the slices of a record after handing it
// over.
type Record struct {
	Key       Key
	ID        string // 26 letters and digits
	UserID    string
	SID       string
	OrgID     string
	Version   int64 // 1 at first, then one more with every Replace
	CreatedAt time.Time
	RotatedAt time.Time // when the token was issued
	LastSeen  time.Time
	IdleAt    time.Time
	ExpiresAt time.Time
	Methods   []Method
	Device    Device
	CSRF      [16]byte
	Payload   []byte // sealed
	Cached    bool   // Load did not ask the server; never with Touch.Fresh.
}

// Ended is what is told about the record when it has ended.
func (r *Record) Ended() Ended {
	return Ended{ID: r.ID, UserID: r.UserID, SID: r.SID}
}

// Expired reports whether one of the record's deadlines has passed.
func (r *Record) Expired(now time.Time) bool {
	return !now.Before(r.IdleAt) || !now.Before(r.ExpiresAt)
}

// Ended is a session that a store has ended.
type Ended struct {
	ID, UserID, SID string
	Before          bool // by an earlier call; see Selector.Since
}
