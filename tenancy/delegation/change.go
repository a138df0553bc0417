package delegation

import (
	"fmt"
	"log/slog"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/secret"
)

// ChangeKind says what is done about one person:
//
//   - "none": nothing; Reason says why: "administrator", "invited", "deleted"
//   - "invite": Auth0 invites them
//   - "reinvite": a new invitation instead of one that has expired
//   - "revoke_invitation": the invitation is withdrawn
//   - "provision": a user is created with membership, role, and a link to set a password;
//     with the Reason "unfinished" the user is there, because an earlier run was stopped
//   - "add_member": a user gets membership and role
//   - "add_role": a member gets the role
//   - "remove_role": a member loses the role and stays a member
//   - "remove_member": a member loses role and membership
//   - "inherited": nothing, because the role comes from a group
//   - "refused": nothing; Reason says why
//   - "read": an Authorizer is asked whether the actor may look
type ChangeKind string

// Gives reports whether the change gives somebody the role or an invitation.
func (k ChangeKind) Gives() bool { return kinds[k].gives }

// Takes reports whether the change takes the role or an invitation from somebody.
func (k ChangeKind) Takes() bool { return kinds[k].takes }

const (
	kindRead             ChangeKind = "read"
	kindNone             ChangeKind = "none"
	kindInvite           ChangeKind = "invite"
	kindReinvite         ChangeKind = "reinvite"
	kindRevokeInvitation ChangeKind = "revoke_invitation"
	kindProvision        ChangeKind = "provision"
	kindAddMember        ChangeKind = "add_member"
	kindAddRole          ChangeKind = "add_role"
	kindRemoveRole       ChangeKind = "remove_role"
	kindRemoveMember     ChangeKind = "remove_member"
	kindInherited        ChangeKind = "inherited"
	kindRefused          ChangeKind = "refused"
)

// kindInfo is how events and diffs speak of a kind.
type kindInfo struct {
	verb          string // Of the event: "delegation.invite".
	before, after string // What the person is.
	sign, words   string // In a diff.
	gives, takes  bool
}

var kinds = map[ChangeKind]kindInfo{
	kindRead:             {verb: "read"},
	kindNone:             {sign: " ", words: "unchanged"},
	kindInvite:           {verb: "invite", before: "none", after: "invited", sign: "+", words: "invite", gives: true},
	kindReinvite:         {verb: "reinvite", before: "invited", after: "invited", sign: "~", words: "invite again", gives: true},
	kindRevokeInvitation: {verb: "revoke_invitation", before: "invited", after: "none", sign: "-", words: "revoke the invitation", takes: true},
	kindProvision:        {verb: "provision", before: "none", after: "holder", sign: "+", words: "create a user with the role", gives: true},
	kindAddMember:        {verb: "add_member", before: "none", after: "holder", sign: "+", words: "add as a member with the role", gives: true},
	kindAddRole:          {verb: "add_role", before: "member", after: "holder", sign: "+", words: "add the role", gives: true},
	kindRemoveRole:       {verb: "remove_role", before: "holder", after: "member", sign: "-", words: "remove the role", takes: true},
	kindRemoveMember:     {verb: "remove_member", before: "holder", after: "none", sign: "-", words: "remove role and membership", takes: true},
	kindInherited:        {verb: "inherit", before: "holder", after: "holder", sign: "=", words: "has the role by a group"},
	kindRefused:          {verb: "refuse", sign: "!", words: "refused"},
}

// Change is what is done, or was done, about one person. Packages fmt, slog and
// encoding/json do not show the email and the link.
type Change struct {
	Kind          ChangeKind
	Email         string
	UserID        string // Empty for people without an account.
	RoleID        string
	InvitationID  string
	InvitationURL string // A secret that is written nowhere: whoever has the link gets in.
	Reason        string // Of low cardinality: "self", "ambiguous", "unverified", …
	Done          bool
	Err           error // Why it was not done, or what went wrong afterwards.

	wanted  ChangeKind // What a refused change would have been.
	stays   bool       // The role was taken and stays, by a group.
	subject audit.Ref  // Of its events.
}

// Format hides the email and the link.
func (c Change) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue is what Format writes.
func (c Change) LogValue() slog.Value {
	return secret.Shown(slog.String("kind", string(c.Kind)), slog.String("user_id", c.UserID), slog.String("reason", c.Reason), slog.Bool("done", c.Done))
}

// MarshalJSON writes what Format writes. Plan.WriteJSON and Applied.WriteJSON write
// changes.
func (c Change) MarshalJSON() ([]byte, error) { return secret.JSON(c) }

// refused returns c as refused because of err.
func (c Change) refused(err error) Change {
	c.wanted, c.Kind, c.Err = c.Kind, kindRefused, err
	c.Reason, _ = reason(err)
	return c
}
