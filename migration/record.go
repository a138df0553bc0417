package migration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Source reads the legacy users. Keys are stable, unique and not empty, and
// become Auth0 user ids ("auth0|", Run.KeyPrefix and the key), so they must be
// permanent. An implementation is safe for concurrent use; package sqlsource has
// one for SQL, package filesource one for files.
//
// A row that cannot be read is a Record with its Key and Problem, and no error: it
// must not stop the others.
type Source interface {
	// Page returns at most limit records whose key comes after the given one, in
	// the source's order of keys, which must not change between calls. "" starts;
	// an empty page ends. Keyset paging, not offset: rows that come and go during
	// a run of hours must neither hide nor repeat others.
	Page(ctx context.Context, after string, limit int) ([]Record, error)

	// Find returns the user with the email or username that somebody typed at login,
	// compared as the legacy system does. An email comes before a username; of several
	// users it returns the first in the order of keys, whom a Runner imports too. It
	// returns ErrNoUser if no user matches.
	Find(ctx context.Context, identifier string) (Record, error)

	// Get returns the user with this key, or ErrNoUser.
	Get(ctx context.Context, key string) (Record, error)
}

// Checker is an optional interface of a Source. Check reports whether the source
// can be read as it was described; Runner.Plan and Run call it first.
type Checker interface {
	Check(ctx context.Context) error
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

// ErrNoUser is returned by Source.Find and Source.Get when no user matches.
var ErrNoUser = errors.New("migration: no such user in the source")

// Record is one legacy user. Only Key is always required; bulk import jobs also
// require Email. A record is personal data and holds hashes: fmt and log/slog print
// its key only. Log records one by one: slog's JSON handler prints everything inside
// of a slice, a map or another struct.
type Record struct {
	Key      string // Permanent and unique; the whole Auth0 id has at most 255 bytes, without spaces.
	Email    string
	Username string // Only for connections that take usernames; see Fields.Username.
	Phone    string // E.164, such as "+4930123456"; see Fields.Phone.

	Name       string
	GivenName  string
	FamilyName string
	Nickname   string // Defaults at Auth0 to what stands before the @ of the email.
	Picture    string // A URL. Defaults at Auth0 to a Gravatar.

	EmailVerified bool
	PhoneVerified bool
	Blocked       bool

	Password passhash.Stored // The zero value means none: such a user must reset it.

	AppMetadata  map[string]any // Written by the application. The key "auth0kit" is taken by the run marker.
	UserMetadata map[string]any // The user may change it later.

	Memberships []Membership
	RoleIDs     []string // Roles of the tenant, outside of any organization.
	RoleNames   []string // The same by name.

	TOTPSecrets []string // Base32 without padding: [A-Z2-7]+.
	MFAPhones   []string // E.164; factors, not the profile's phone number.
	MFAEmails   []string // Factors, not the profile's email.

	Migrated  bool      // Set by a source that is a Marker: Auth0 owns this user.
	UpdatedAt time.Time // When the legacy row changed last, for Sync; zero when the source does not know.

	Problem error // Why the source could not read this row, best a *RowError. Then only Key is valid.
}

// Membership puts a user into an organization with roles there, each named by id or
// by name.
type Membership struct {
	OrgID     string   // "org_" and 16 characters.
	OrgName   string   // In its place; in lower case.
	RoleIDs   []string // At most 50 per member.
	RoleNames []string // Besides RoleIDs.
}

// Format prints the key only: a record must not reach a log by accident.
func (r Record) Format(f fmt.State, _ rune) { secret.Format(f, r) }

// LogValue shows the key only.
func (r Record) LogValue() slog.Value { return secret.Shown(slog.String("key", r.Key)) }

// Credentials holds what a user typed, and their address. It is never printed.
type Credentials struct {
	Identifier string // An email or a username, as Source.Find takes it.
	Password   string
	IP         netip.Addr // The zero Addr is not throttled by address.
}

// Format hides the password and the identifier from package fmt.
func (c Credentials) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue hides them from log/slog.
func (c Credentials) LogValue() slog.Value { return secret.Shown() }

// MarshalJSON hides them wherever something that contains c is logged as JSON.
func (c Credentials) MarshalJSON() ([]byte, error) { return secret.JSON(c) }
