package migration

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/internal/usershape"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Run says what is migrated, and how. [NewRunner] and lazy.New take the same one.
// Source and Connection are required.
//
// A ledger belongs to one run: to its tenant, connection, source, key prefix and
// secret. Another is refused with [ErrOtherRun], before anything is written.
type Run struct {
	// Name is the name in the ledger and in app_metadata.auth0kit of each user. A run
	// that is started again with its name continues; even with an empty ledger it
	// finds its own users by name and source and creates none twice. Defaults to
	// Connection.
	Name string

	// Source names the legacy system, such as "crm-production": at most 64 printable
	// characters. Give each system, and each copy of it, a name of its own.
	Source string

	Connection string // The name of a database connection.

	// KeyPrefix stands before each key in user ids, as "crm|" in "auth0|crm|1001".
	// Auth0's ids are unique in the tenant, not in the connection, so it is required
	// when the tenant has other database connections; see Config.AllowSharedKeys.
	KeyPrefix string

	// Secret is 32 bytes that key the digests in the ledger, so that the ledger
	// confirms no guess about a user. Keep it apart from the ledger. Defaults to none:
	// then the ledger has no digests, and Sync and Verify compare with an export.
	Secret []byte

	Fields Fields

	// Map has the last word on each record, after Fields, and must be safe for
	// concurrent use. It must not change Key. An error makes the record a Problem with
	// RuleMap.
	Map func(*Record) error
}

// Fields says what happens to properties that Auth0 would refuse. An email is
// required and has no policy.
type Fields struct {
	Phone    FieldPolicy // Normalize: to E.164, with CallingCode.
	Username FieldPolicy // Normalize: trimmed and in lower case.
	Name     FieldPolicy // All names and the picture. Normalize: readable text of the allowed length.
	Metadata FieldPolicy // Normalize: "." and "$" in keys become "_", and text becomes UTF-8.

	CallingCode string // Of numbers that are written without one, such as "+49".
}

// FieldPolicy says what happens to a property that breaks a rule, or that an
// earlier user has too.
type FieldPolicy string

// The policies.
const (
	Refuse    FieldPolicy = ""          // The user is a Problem.
	Drop      FieldPolicy = "drop"      // The user comes without the property.
	Normalize FieldPolicy = "normalize" // The property is repaired, and dropped when it cannot be.
)

// Format shows the names only: the secret stays out of logs.
func (r Run) Format(f fmt.State, _ rune) { secret.Format(f, r) }

// LogValue shows the names only.
func (r Run) LogValue() slog.Value {
	return secret.Shown(slog.String("name", r.Name), slog.String("source", r.Source), slog.String("connection", r.Connection))
}

// MarshalJSON hides the secret wherever something that contains r is logged as JSON.
func (r Run) MarshalJSON() ([]byte, error) { return secret.JSON(r) }

// Check returns the run with its defaults, or what is wrong with it. [NewRunner] and
// lazy.New call it.
func (r Run) Check() (Run, error) {
	r.Name = orDefault(r.Name, r.Connection)
	r.Secret = slices.Clone(r.Secret)
	switch {
	case r.Connection == "":
		return r, invalidConfig("Run.Connection", "must not be empty: name a database connection of the tenant")
	case r.Source == "" || len(r.Source) > 64 || !usershape.Printable(r.Source):
		return r, invalidConfig("Run.Source", "must have 1 to 64 printable characters: name the legacy system")
	case len(r.Name) > 64 || !usershape.Printable(r.Name):
		return r, invalidConfig("Run.Name", "must have at most 64 printable characters")
	case r.KeyPrefix != "" && (len(r.KeyPrefix) > 64 || usershape.ID(r.KeyPrefix) != ""):
		return r, invalidConfig("Run.KeyPrefix", `must have at most 64 visible characters, and no "auth0|": Auth0 adds that itself`)
	case len(r.Secret) != 0 && len(r.Secret) != 32:
		return r, invalidConfig("Run.Secret", "must have 32 bytes, or none")
	}
	for field, p := range map[string]FieldPolicy{"Phone": r.Fields.Phone, "Username": r.Fields.Username, "Name": r.Fields.Name, "Metadata": r.Fields.Metadata} {
		if p != Refuse && p != Drop && p != Normalize {
			return r, invalidConfig("Run.Fields."+field, "must be Refuse, Drop or Normalize")
		}
	}
	if code := r.Fields.CallingCode; code != "" && (usershape.Phone(code) != "" || len(code) > 4) {
		return r, invalidConfig("Run.Fields.CallingCode", `must be like "+49"`)
	}
	return r, nil
}

// UserID returns the Auth0 id of the user with this key.
func (r Run) UserID(key string) string { return provider + r.KeyPrefix + key }

// Key returns the key of the user with this Auth0 id; ok is false if the run has no
// such ids.
func (r Run) Key(userID string) (key string, ok bool) {
	key, ok = cutPrefix(userID, provider+r.KeyPrefix)
	return key, ok && key != ""
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || s[:len(prefix)] != prefix {
		return "", false
	}
	return s[len(prefix):], true
}

// Via says how a user came to Auth0.
type Via string

// The ways. Those who came in bulk may be deleted by a rollback; the password of
// those who came at a login may be stored nowhere else.
const (
	ViaBulk Via = "bulk"
	ViaLazy Via = "lazy"
)

const (
	provider  = "auth0|" // Auth0 puts it before the ids of database users.
	markerKey = "auth0kit"
)

// Via returns how u came to Auth0 in this run, or "" for a user whom another hand,
// another run or another source created, or who is in another connection. Every
// write by id asks it first.
func (r Run) Via(u *resource.User) Via {
	m, _ := u.AppMetadata[markerKey].(map[string]any)
	if m["run"] != r.Name || m["source"] != r.Source || u.Connection != r.Connection {
		return ""
	}
	via, _ := m["via"].(string)
	return Via(via)
}

// NewUser returns the arguments of POST /users for a record that Prepare has
// accepted. Second factors and organizations are not among them.
func (r Run) NewUser(rec *Record, password string) resource.NewUser {
	return resource.NewUser{Password: password, User: resource.User{
		ID: r.KeyPrefix + rec.Key, Connection: r.Connection, Email: rec.Email, Username: rec.Username, Phone: rec.Phone,
		Name: rec.Name, GivenName: rec.GivenName, FamilyName: rec.FamilyName, Nickname: rec.Nickname, Picture: rec.Picture,
		EmailVerified: rec.EmailVerified, PhoneVerified: rec.PhoneVerified && rec.Phone != "",
		UserMetadata: rec.UserMetadata, AppMetadata: r.marked(rec.AppMetadata, ViaLazy),
	}}
}

// ImportFile returns an import file with one user, whom a login creates by a job.
func (r Run) ImportFile(rec *Record, bcryptHash string) ([]byte, error) {
	field, err := json.Marshal(bcryptHash)
	if err != nil {
		return nil, fmt.Errorf("migration: write the hash: %w", err)
	}
	user, err := newEncoder(r, ViaLazy).encode(rec, passhash.Import{Field: fieldPasswordHash, JSON: field})
	if err != nil {
		return nil, fmt.Errorf("migration: write the metadata as JSON: %w", err)
	}
	return slices.Concat([]byte("["), user, []byte("]")), nil
}

func (r Run) marked(metadata map[string]any, via Via) map[string]any {
	all := make(map[string]any, len(metadata)+1)
	maps.Copy(all, metadata)
	all[markerKey] = map[string]any{"run": r.Name, "source": r.Source, "via": string(via)}
	return all
}

// ErrOtherRun is returned when a ledger belongs to another tenant, connection,
// source, key prefix or secret. Its text says which.
var ErrOtherRun = errors.New("migration: the ledger belongs to another run")

// Belongs reports whether a ledger's run belongs to r in the tenant with this
// issuer; connectionID may be "" when it is not known. A run that the ledger does
// not know belongs to everybody. The error is [ErrOtherRun].
func (r Run) Belongs(stored, issuer, connectionID string) error {
	if stored == "" {
		return nil
	}
	var old, now fingerprint
	if json.Unmarshal([]byte(stored), &old) != nil {
		return fmt.Errorf("%w: its fingerprint cannot be read", ErrOtherRun)
	}
	now = r.fingerprint(issuer, orDefault(connectionID, old.Connection))
	for _, part := range []struct{ what, old, now string }{
		{"tenant", old.Issuer, now.Issuer}, {"connection", old.Connection, now.Connection}, {"Run.Source", old.Source, now.Source},
		{"Run.KeyPrefix", old.KeyPrefix, now.KeyPrefix},
	} {
		if part.old != part.now {
			return fmt.Errorf("%w: its %s is %s and this one's %s; use another ledger or another Run.Name",
				ErrOtherRun, part.what, strconv.Quote(part.old), strconv.Quote(part.now))
		}
	}
	if old.Secret != now.Secret {
		return fmt.Errorf("%w: its Run.Secret is another one; continue with the secret that it was begun with", ErrOtherRun)
	}
	return nil
}

// fingerprint is what a ledger is bound to.
type fingerprint struct {
	Issuer     string `json:"issuer"`
	Connection string `json:"connection"` // its id: a connection that was deleted and made again is another
	Source     string `json:"source"`
	KeyPrefix  string `json:"key_prefix"`
	Secret     string `json:"secret"` // confirms the secret, without giving it away; "" for none
}

func (r Run) fingerprint(issuer, connectionID string) fingerprint {
	f := fingerprint{Issuer: issuer, Connection: connectionID, Source: r.Source, KeyPrefix: r.KeyPrefix}
	if len(r.Secret) > 0 {
		f.Secret = newDigester(r.Secret).sum("fingerprint", "")
	}
	return f
}

func (f fingerprint) String() string {
	raw, _ := json.Marshal(f) // strings alone
	return string(raw)
}

var _ driver.Ledger = (*MemoryLedger)(nil)
