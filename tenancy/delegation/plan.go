package delegation

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Declared says who the administrators of an organization shall be: nobody else.
type Declared struct {
	Emails []string // In any order and spelling; of two spellings of one address one counts.
	From   string   // Where the list comes from, such as "admins.yaml@3f2a91c". It is recorded.
}

// Format hides the emails.
func (d Declared) Format(f fmt.State, _ rune) { secret.Format(f, d) }

// LogValue is what Format writes.
func (d Declared) LogValue() slog.Value {
	return secret.Shown(slog.Int("people", len(d.Emails)), slog.String("from", d.From))
}

// Plan is what brings an organization to what was declared. It has emails, which
// WriteDiff and WriteJSON alone show.
type Plan struct {
	OrgID    string
	RoleID   string
	From     string
	Declared []string // Emails in their normal form.
	Leaving  []string // Who, when they lose the role, leave the organization too. All do with Config.RemoveMembership.
	State    string   // A hash of what was seen and of what is to be done.
	Changes  []Change
	// Before and Administrators are how many administrators count now and
	// afterwards. Nobody who is invited does.
	Before         int
	Administrators int
	Missing        int  // How many that is below Config.MinAdmins.
	Undo           bool // Made by PlanUndo: who holds the role and does not count stays as they are.
}

// Format hides the emails.
func (p Plan) Format(f fmt.State, _ rune) { secret.Format(f, p) }

// MarshalJSON writes what Format writes.
func (p Plan) MarshalJSON() ([]byte, error) { return secret.JSON(p) }

// LogValue is what Format writes.
func (p Plan) LogValue() slog.Value {
	return secret.Shown(slog.String("org_id", p.OrgID), slog.String("from", p.From), slog.String("state", p.State),
		slog.Int("before", p.Before), slog.Int("administrators", p.Administrators), slog.Int("missing", p.Missing))
}

// Empty reports whether there is nothing to do. Something may be refused.
func (p *Plan) Empty() bool {
	return !slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Kind.Gives() || c.Kind.Takes() })
}

// Applied is what became of a plan.
type Applied struct {
	Plan    Plan
	At      time.Time
	Changes []Change // The plan's, with Done and Err.
}

// Format hides the emails.
func (a Applied) Format(f fmt.State, _ rune) { secret.Format(f, a) }

// MarshalJSON writes what Format writes.
func (a Applied) MarshalJSON() ([]byte, error) { return secret.JSON(a) }

// LogValue is what Format writes.
func (a Applied) LogValue() slog.Value {
	done := 0
	for _, c := range a.Changes {
		if c.Done {
			done++
		}
	}
	return secret.Shown(slog.String("org_id", a.Plan.OrgID), slog.Time("at", a.At), slog.Int("done", done))
}
