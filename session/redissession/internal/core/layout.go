package core

import (
	"fmt"
	"strings"

	"github.com/auth0kit/auth0kit/session/driver"
)

// A session is stored as a version and a body: a header that scripts read and
// change in place, the rest of the record, and the payload. Here, and nowhere
// else, stands where the fields of the header are.
//
// Whoever changes the layout raises version. A value of another version is a dead
// session: what it does not say, such as an epoch, must not be taken for granted.
const version = 5

// The states with which a body begins.
const (
	stateLive     = 'L'
	stateRevoked  = 'R'
	stateReplaced = 'A'
)

const (
	timeSize   = 8 // milliseconds, and what else is a big number
	epochSize  = 8 // random
	lengthSize = 4
	refSize    = len(driver.Key{}.User)
	idSize     = 26
	textSize   = 2 // the length before a text
	hashSize   = 32

	atState     = 0
	atSeen      = atState + 1
	atIdle      = atSeen + timeSize
	atExpires   = atIdle + timeSize
	atVersion   = atExpires + timeSize // of the record, for compare and set
	atEpoch     = atVersion + timeSize // of the shard, when the session was created
	atUserEpoch = atEpoch + epochSize
	atSIDEpoch  = atUserEpoch + epochSize
	atLength    = atSIDEpoch + epochSize // of the body without its payload
	atUser      = atLength + lengthSize
	atSID       = atUser + refSize
	atID        = atSID + refSize
	atUserLen   = atID + idSize
	atUserID    = atUserLen + textSize // and behind it the SID, as a text

	headerSize = atUserID

	// What is left of a key that was replaced.
	atUntil      = atState + 1        // when it stopped working
	atNext       = atUntil + timeSize // the hash of the key in its place, zeros for none
	atReplacedID = atNext + hashSize  // and then as from atID on

	// The state of a shard.
	atCount    = epochSize             // of revocations
	atEveryone = atCount + timeSize    // of the last RevokeEveryone
	atRuns     = atEveryone + timeSize // a random number for each of the last revocations, the newest first
	runSize    = 8
	runs       = 16
)

// layout is the same for Lua, which counts from 1.
var layout = func() string {
	var b strings.Builder
	for _, f := range []struct {
		name  string
		value int
	}{
		{"SEEN", atSeen + 1}, {"IDLE", atIdle + 1}, {"EXPIRES", atExpires + 1}, {"VERSION", atVersion + 1},
		{"EPOCH", atEpoch + 1}, {"USEREPOCH", atUserEpoch + 1}, {"SIDEPOCH", atSIDEpoch + 1}, {"LENGTH", atLength + 1},
		{"USER", atUser + 1}, {"SID", atSID + 1}, {"ID", atID + 1},
		{"USERLEN", atUserLen + 1}, {"USERID", atUserID + 1}, {"UNTIL", atUntil + 1}, {"NEXT", atNext + 1},
		{"COUNT", atCount + 1}, {"EVERYONE", atEveryone + 1}, {"RUNS", atRuns + 1}, {"RUNSIZE", runSize}, {"KEPTRUNS", runs},
		{"REFSIZE", refSize}, {"IDSIZE", idSize}, {"HASHSIZE", hashSize}, {"TIMESIZE", timeSize}, {"EPOCHSIZE", epochSize},
		{"LIVE", stateLive}, {"REVOKED", stateRevoked}, {"REPLACED", stateReplaced}, {"CURRENT", version},
	} {
		fmt.Fprintf(&b, "local %s = %d\n", f.name, f.value)
	}
	return b.String()
}()

// body returns a stored value without its version, and false for a value of a
// version that this release cannot read.
func body(v []byte) ([]byte, bool) {
	if len(v) < 2 || v[0] != version {
		return nil, false
	}
	return v[1:], true
}
