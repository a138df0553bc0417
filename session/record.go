package session

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/session/driver"
)

// Bounds of a login, in bytes where nothing else is said.
const (
	maxID      = 255 // Auth0's bound of a user id
	maxAgent   = 512 // longer ones are cut
	maxTokens  = 64 << 10
	maxMethods = 16 // names of authentication methods
	maxMethod  = 64
)

// Login is what the application knows when a user has signed in.
type Login struct {
	UserID string // Required: the "sub" of the ID token.
	SID    string // The "sid" of the ID token: the session at Auth0.
	OrgID  string // The "org_id" of the ID token.
	// AuthTime is the "auth_time" of the ID token, which Auth0 sends only to
	// applications that ask for it with max_age or prompt=login. Zero is unknown:
	// such a login is never fresh, and is refused by every revocation that concerns
	// it.
	AuthTime time.Time
	// IssuedAt is the "iat" of the ID token. Where AuthTime is unknown it is compared
	// with revocations instead: the user has authenticated before it, at an unknown
	// time.
	IssuedAt time.Time
	AMR      []string  // The "amr" of the ID token: "pwd", "mfa", … (RFC 8176).
	Device   Device    // For the user's list of sessions. HTTP.Login fills it.
	NotAfter time.Time // The identity provider's "session_expiry", which the application must enforce. Zero: none.
	Payload  []byte    // What the application keeps in the session. Sealed at rest.
	Tokens   []byte    // What session/login keeps beside it, for UseTokens. Sealed at rest.
}

// Format hides the tokens from package fmt.
func (l Login) Format(f fmt.State, _ rune) { secret.Format(f, l) }

// LogValue hides them from log/slog.
func (l Login) LogValue() slog.Value { return secret.Shown() }

// MarshalJSON hides them wherever something that contains l is logged as JSON.
func (l Login) MarshalJSON() ([]byte, error) { return secret.JSON(l) }

// Device says where a session was started, so that its user recognizes it. It is
// personal data: [Manager.List] shows it to the user, no event carries it.
type Device struct {
	UserAgent string
	IP        string
}

// Session is a session as the application sees it. ID is public: it stands in
// lists and logs, and cannot be used to sign in.
type Session struct {
	ID, UserID, SID, OrgID string
	CreatedAt              time.Time
	LastSeen               time.Time // Exact to Config.TouchEvery.
	IdleAt                 time.Time // Ends then when it is not used before.
	ExpiresAt              time.Time // Ends then, whatever happens.
	Device                 Device
	Payload                []byte // Empty in the results of List.
	// Stale says that the store did not answer; see Config.AllowStaleReads. When the
	// user has authenticated is not known then.
	Stale bool

	rotatedAt time.Time
	methods   []driver.Method
	csrf      [csrfSize]byte
	again     func() *Session // asks the store, when s came out of a cache; nil when there is no session
}

// Subject returns UserID.
func (s *Session) Subject() string { return s.UserID }

// Authentication returns when the user last proved who they are, zero when that is
// not known, and by which methods since the session began: the names of RFC 8176,
// each once. Of a session that was read out of a cache, such as that of
// redissession.Config.MaxStale, the first call asks the store.
func (s *Session) Authentication() (at time.Time, amr []string) {
	for _, m := range s.proven() {
		if m.At.After(at) {
			at = m.At
		}
	}
	for _, m := range s.methods {
		if m.Name != "" {
			amr = append(amr, m.Name)
		}
	}
	return at, amr
}

// sessionOf is the session of a record, with its payload opened.
func sessionOf(r *driver.Record, payload []byte) *Session {
	return &Session{
		ID: r.ID, UserID: r.UserID, SID: r.SID, OrgID: r.OrgID,
		CreatedAt: r.CreatedAt, LastSeen: r.LastSeen, IdleAt: r.IdleAt, ExpiresAt: r.ExpiresAt,
		Device: Device(r.Device), Payload: payload,
		rotatedAt: r.RotatedAt, methods: r.Methods, csrf: r.CSRF,
	}
}

// bound is what a payload is sealed to: moved to another session it does not open.
func bound(r *driver.Record) []byte {
	return []byte("session\x00" + r.ID + "\x00" + r.UserID)
}

func (l *Login) validate() error {
	if l.UserID == "" {
		return fmt.Errorf("session: Login.UserID is empty; give the \"sub\" of the ID token")
	}
	if err := validateText("UserID", l.UserID, maxID); err != nil {
		return err
	}
	if err := validateText("SID", l.SID, maxID); err != nil {
		return err
	}
	if err := validateText("OrgID", l.OrgID, maxID); err != nil {
		return err
	}
	if len(l.Tokens) > maxTokens {
		return fmt.Errorf("session: Login.Tokens has %d bytes; %d are allowed", len(l.Tokens), maxTokens)
	}
	if len(l.Payload) > driver.MaxPayload {
		return fmt.Errorf("session: Login.Payload has %d bytes; %d are allowed", len(l.Payload), driver.MaxPayload)
	}
	return validateMethods("Login.AMR", l.AMR)
}

func validateMethods(field string, names []string) error {
	if len(names) > maxMethods {
		return fmt.Errorf("session: %s has %d entries; %d are allowed", field, len(names), maxMethods)
	}
	for _, name := range names {
		if name == "" || len(name) > maxMethod || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("session: %s has an entry that is not a name of at most %d printable ASCII characters, such as \"pwd\"", field, maxMethod)
		}
	}
	return nil
}

func validateText(field, s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("session: Login.%s has %d bytes; %d are allowed", field, len(s), limit)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, isControl) {
		return fmt.Errorf("session: Login.%s must be UTF-8 without control characters", field)
	}
	return nil
}

// errID is why a request is refused that names no session, or an impossible one.
var errID = errors.New("what was given is none")

// checkID refuses what no session can have, alike for all stores: an empty id is a
// form field that is missing, and not all stores can be asked for a NUL.
func checkID(verb, what, id string) error {
	if id == "" || len(id) > maxID || !utf8.ValidString(id) || strings.ContainsFunc(id, isControl) {
		return fmt.Errorf("session: %s needs a %s of 1 to %d bytes of UTF-8 without control characters: %w", verb, what, maxID, errID)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// clean bounds what a client may send freely instead of refusing the login.
func (d Device) clean() Device {
	return Device{UserAgent: cut(d.UserAgent, maxAgent), IP: cut(d.IP, 64)}
}

func cut(s string, limit int) string {
	s = strings.ToValidUTF8(s[:min(len(s), limit)], "")
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, s)
}

// withMethods returns methods with names at that time, or at the later one that
// they have: each name once, the newest last, and no more than a record may have.
func withMethods(methods []driver.Method, at time.Time, names ...string) []driver.Method {
	out := make([]driver.Method, 0, len(methods)+len(names))
	before := map[string]time.Time{}
	for _, m := range methods {
		before[m.Name] = m.At
		if m.Name != "" && !slices.Contains(names, m.Name) {
			out = append(out, m)
		}
	}
	for i, name := range names {
		if !slices.Contains(names[:i], name) {
			out = append(out, driver.Method{Name: name, At: later(at, before[name])})
		}
	}
	if len(names) == 0 {
		out = append(out, driver.Method{At: at})
	}
	return out[max(0, len(out)-maxMethods):]
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// milli is t as stores keep it.
func milli(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
