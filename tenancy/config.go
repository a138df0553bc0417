package tenancy

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/audit"
)

// GuardConfig holds a Guard's optional settings. The zero value uses the defaults.
type GuardConfig struct {
	// FirstParty are your own applications, by client id. For others, a permission
	// counts only where the application was granted the scope of that name too.
	FirstParty []string

	// Directory is read for the memberships, accounts and roles of users, in place of
	// the permissions in their tokens, which are as old as the token. Defaults to none.
	Directory Directory
	// RoleTTL is how long a member's roles, that they are a member, and that the user
	// is not blocked, are cached; what is taken away at Auth0 keeps working for up to
	// that long, unless Observe or Invalidate is told. Defaults to 5 min.
	RoleTTL time.Duration
	// PermissionTTL is the same for the permissions of a role. Defaults to 15 min.
	PermissionTTL time.Duration
	// MaxEntries bounds the members that are kept, of about 1 kB each while they
	// have few roles, and, apart, users, organizations and roles. Defaults to 10,000.
	MaxEntries int
	OnOutage   Outage // What counts while the Directory cannot be asked. Defaults to 503.

	Cutoff *Cutoff       // Refuses revoked tokens. Defaults to none.
	Always []Requirement // Checked before each route's own.

	// Token returns the access token of a request, for pages: that of a session, say.
	// Without one, or when the user must sign in again, it returns ""; its errors are
	// answered with 503. Defaults to the Authorization header alone.
	Token func(*http.Request) (string, error)

	// PublicURL is where clients reach the API, "https://example.com/api", if the
	// server's own paths are relative to that. It defaults to the audience if that is
	// a URL, with paths as the server sees them. DPoP proofs and metadata need it.
	PublicURL string
	Name      string   // For people, in the metadata of RFC 9728.
	Scopes    []string // Of the API, in the metadata.

	DPoP      DPoPMode
	NonceKeys [][]byte // 32 bytes each; the first seals, all open. DPoP proofs then need a nonce of this server.
	Replay    Replay   // Required with DPoP.

	Logger   *slog.Logger                                                       // Receives a line per reason and second. Defaults to slog.Default.
	OnRefuse func(ctx context.Context, x Refusal)                               // For metrics: called for each refusal, before the answer. Defaults to none.
	Recorder audit.Recorder                                                     // Receives "tenancy.deny" when a known caller is refused. Defaults to audit.Discard.
	Render   func(r *http.Request, x Refusal) (contentType string, body []byte) // Of the answer's body; Problem is one. Defaults to RFC 6750's two members.

	// Preflight lets CORS preflights pass to the handler without a token. They must
	// be answered there.
	Preflight bool
}

// Outage says what counts while the Directory cannot be asked. The zero value is
// nothing: requests are answered with 503.
type Outage struct {
	stale time.Duration
	token bool
}

// StaleFor lets memberships, accounts and roles count that were read at most d ago,
// which must be more than RoleTTL and PermissionTTL to have an effect. What changed
// meanwhile is noticed only if Observe or Invalidate was told.
func StaleFor(d time.Duration) Outage { return Outage{stale: d} }

// TokenPermissions lets the permissions of the token count, which are as old as the
// token, unless Observe or Invalidate was told of a change since it was issued, or
// the user was last seen to be blocked or no member.
func TokenPermissions() Outage { return Outage{token: true} }

// DPoPMode says whether tokens that are bound to a key (RFC 9449) are taken.
// Clients send them as "Authorization: DPoP …" with a new proof in the header DPoP
// for each request, whose htu is GuardConfig.PublicURL and the path. At Auth0 they
// are switched on by "Sender Constraining" of the API or the application; Transport
// of session/login sends them.
type DPoPMode uint8

// The modes. A token that is bound is never taken without its proof.
const (
	DPoPDisabled DPoPMode = iota // bearer tokens alone
	DPoPAllowed                  // both
	DPoPRequired                 // bound tokens alone
)
