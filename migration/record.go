package migration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Source reads the legacy users. Keys are stable, unique and not empty, and
// become Auth0 user ids ("auth0|" and the key), so they must be permanent. An
// implementation is safe for concurrent use; package sqlsource has one for SQL.
type Source interface {
	// Page returns at most limit records whose key comes after the given one, in
	// the source's order of keys, which must not change between calls. "" starts;
	// an empty page ends. Keyset paging, not offset: rows that come and go during
	// a run of hours must neither hide nor repeat others.
	Page(ctx context.Context, after string, limit int) ([]Record, error)

	// Find returns the user with the email or username that somebody typed at login,
	// compared as the legacy system does. It returns ErrNoUser if no user or more than
	// one matches.
	Find(ctx context.Context, identifier string) (Record, error)
}

// Marker is an optional interface of a Source. MarkMigrated notes on the legacy
// row that Auth0 owns the user now; from then on the source sets Record.Migrated,
// so that a user who is deleted at Auth0 does not come back at the next login.
// Marked rows stay in Page and Find. It is called at least once for each user and
// must be idempotent.
type Marker interface {
	MarkMigrated(ctx context.Context, key string) error
}

// Unmarker is an optional interface of a Marker. UnmarkMigrated takes the mark
// back; a rollback needs it, so that the users can log in at the legacy system
// and be migrated again.
type Unmarker interface {
	UnmarkMigrated(ctx context.Context, key string) error
}

// ErrNoUser is returned by Source.Find when the identifier matches no user.
var ErrNoUser = errors.New("migration: no such user in the source")

// Record is one legacy user. Only Key is always required; bulk import jobs also
// require Email. A record is personal data and holds hashes: fmt and log/slog print
// its key only. Log records one by one: slog's JSON handler prints everything inside
// of a slice, a map or another struct.
type Record struct {
	Key      string // Permanent and unique; at most 249 bytes, as Auth0's id has 255 with "auth0|".
	Email    string
	Username string // Only for connections that require usernames.
	Phone    string // E.164, such as "+4930123456".
	Name     string

	EmailVerified bool
	Blocked       bool

	Password passhash.Stored // The zero value means none: such a user must reset it.

	AppMetadata  map[string]any // Written by the application. The key "auth0kit" is taken by the run marker.
	UserMetadata map[string]any // The user may change it later.

	Memberships []Membership
	TOTPSecrets []string // Base32 without padding: [A-Z2-7]+.
	MFAPhones   []string // E.164; factors, not the profile's phone number.

	Migrated  bool      // Set by a source that is a Marker: Auth0 owns this user.
	UpdatedAt time.Time // When the legacy row changed last, for Sync; zero when the source does not know.
}

// Membership puts a user into an organization with roles there.
type Membership struct {
	OrgID   string   // "org_" and 16 characters.
	RoleIDs []string // At most 50 per member.
}

// Format prints the key only: a record must not reach a log by accident.
func (r Record) Format(f fmt.State, _ rune) { secret.Format(f, r) }

// LogValue shows the key only.
func (r Record) LogValue() slog.Value { return secret.Shown(slog.String("key", r.Key)) }
