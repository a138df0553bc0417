package guardian

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/internal/secret"
)

const (
	ceremonyAge   = 10 * time.Minute
	maxCeremonies = 24 // of a user and a kind at a time
	maxPasskeys   = 20 // of a user
	maxName       = 64 // characters
)

// Passkeys enrolls and verifies passkeys; *passkey.RelyingParty implements it.
// Options and responses are the JSON forms of WebAuthn level 3, as
// PublicKeyCredential.parseCreationOptionsFromJSON and toJSON of browsers have them.
type Passkeys interface {
	// BeginEnroll returns options for navigator.credentials.create. It needs a proof
	// as EnrollTOTP does.
	BeginEnroll(ctx context.Context, userID, account string, proof *Verification) (options []byte, err error)
	// FinishEnroll takes the browser's response, once. It returns recovery codes as
	// ConfirmTOTP does.
	FinishEnroll(ctx context.Context, userID, name string, response []byte) (recovery []string, err error)
	// BeginVerify returns options for navigator.credentials.get, or ErrNotEnrolled.
	BeginVerify(ctx context.Context, userID string) (options []byte, err error)
	// FinishVerify takes the browser's response, once. Its refusals are those of
	// Service.Verify.
	FinishVerify(ctx context.Context, userID string, response []byte) (*Verification, error)
}

// Credential is a passkey of a user as the package that verifies it keeps it.
type Credential struct {
	ID        []byte
	Data      []byte // For that package alone.
	Name      string
	CreatedAt time.Time
	LastUsed  time.Time `json:",omitzero"`
	Cloned    bool      `json:",omitempty"` // Its counter went back: there may be a copy.
}

// Format hides the credential from package fmt.
func (c Credential) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue shows when it was made and used.
func (c Credential) LogValue() slog.Value {
	return secret.Shown(slog.Time("created_at", c.CreatedAt), slog.Time("last_used", c.LastUsed))
}

// ceremony is a challenge that waits for its response, or has had it.
type ceremony struct {
	Challenge string
	State     []byte `json:",omitempty"`
	ExpiresAt time.Time
	Enroll    bool `json:",omitempty"`
	Proved    bool `json:",omitempty"`
	Spent     bool `json:",omitempty"`
}

// passkeyState is the record of KindPasskey.
type passkeyState struct {
	Credentials []Credential `json:",omitempty"`
	Ceremonies  []ceremony   `json:",omitempty"`
}

func passkeyKey(userID string) driver.Key {
	return driver.Key{Subject: userID, Kind: driver.KindPasskey}
}

// until is how long the record is of use.
func (st *passkeyState) until() (end time.Time) {
	if len(st.Credentials) > 0 {
		return end
	}
	for _, c := range st.Ceremonies {
		if c.ExpiresAt.After(end) {
			end = c.ExpiresAt
		}
	}
	return end
}

// begin forgets what has expired, and the oldest of its kind when there are too many:
// whoever may ask for proofs alone ends no enrollment.
func (st *passkeyState) begin(c ceremony, now time.Time) {
	st.Ceremonies = slices.DeleteFunc(st.Ceremonies, func(c ceremony) bool { return !now.Before(c.ExpiresAt) })
	c.ExpiresAt = now.Add(ceremonyAge)
	st.Ceremonies = append(st.Ceremonies, c)
	same := func(other ceremony) bool { return other.Enroll == c.Enroll }
	n := 0
	for _, other := range st.Ceremonies {
		if same(other) {
			n++
		}
	}
	if n > maxCeremonies {
		oldest := slices.IndexFunc(st.Ceremonies, same)
		st.Ceremonies = slices.Delete(st.Ceremonies, oldest, oldest+1)
	}
}

// spend takes a challenge, once.
func (st *passkeyState) spend(challenge string, enroll bool, now time.Time) (ceremony, error) {
	for i := range st.Ceremonies {
		c := &st.Ceremonies[i]
		switch {
		case c.Challenge != challenge || c.Enroll != enroll || challenge == "" || !now.Before(c.ExpiresAt):
		case c.Spent:
			return ceremony{}, ErrReplayed
		default:
			taken := *c
			c.Spent, c.State = true, nil
			return taken, nil
		}
	}
	return ceremony{}, ErrExpired
}

// Ceremonies keeps the passkeys of users for the package that makes and verifies
// them: its challenges are answered once, its credentials are sealed in
// Config.Store, and throttle, proofs and audit are those of all factors.
// Applications use package passkey.
type Ceremonies struct{ s *Service }

// Ceremonies returns what package passkey needs of a Service that has a Store.
func (s *Service) Ceremonies() (*Ceremonies, error) {
	if s.store == nil {
		return nil, errNoStore
	}
	return &Ceremonies{s}, nil
}

// BeginEnroll keeps what make returns for 10 minutes: a challenge and what its
// response is checked with. make sees the user's passkeys. It is called again when
// another request was faster.
func (c *Ceremonies) BeginEnroll(ctx context.Context, userID string, proof *Verification, make func(have []Credential) (challenge string, state []byte, err error)) error {
	proved, err := false, checkUser(userID)
	if err == nil {
		proved, err = c.s.mayAdd(ctx, userID, proof)
	}
	if err != nil {
		return c.s.ended(ctx, "enroll", userID, Passkey, err)
	}
	err = update(ctx, c.s, passkeyKey(userID), func(st *passkeyState) (time.Time, error) {
		if len(st.Credentials) >= maxPasskeys {
			return time.Time{}, invalid("passkeys", "are "+strconv.Itoa(maxPasskeys)+" already; remove one first")
		}
		challenge, state, err := make(st.Credentials)
		if err != nil {
			return time.Time{}, err
		}
		st.begin(ceremony{Challenge: challenge, State: state, Enroll: true, Proved: proved}, c.s.now())
		return st.until(), nil
	})
	return c.s.ended(ctx, "enroll", userID, Passkey, err)
}

// FinishEnroll spends the challenge, lets check make the credential of the response,
// and keeps it. It returns recovery codes if the user had none. If the event cannot
// be recorded, nothing is enrolled.
func (c *Ceremonies) FinishEnroll(ctx context.Context, userID, name, challenge string, check func(state []byte, have []Credential) (Credential, error)) (recovery []string, err error) {
	if err := checkUser(userID); err != nil {
		return nil, err
	}
	made, undo, err := c.finishEnroll(ctx, userID, name, challenge, check)
	if err != nil {
		return nil, c.s.ended(ctx, "confirm", userID, Passkey, err)
	}
	e := event("confirm", userID, Passkey, nil)
	e.Metadata["recovery_codes"] = strconv.Itoa(len(undo.codes))
	if err := c.s.record(ctx, e); err != nil {
		return nil, errors.Join(err, c.drop(ctx, userID, made.ID), c.s.undoCodes(ctx, userID, undo))
	}
	c.s.notify(ctx, userID, "added", Passkey, made.Name)
	return undo.codes, nil
}

func (c *Ceremonies) finishEnroll(ctx context.Context, userID, name, challenge string, check func([]byte, []Credential) (Credential, error)) (made Credential, codes *confirmation, err error) {
	taken, err := c.spend(ctx, userID, challenge, true)
	if err != nil {
		return made, nil, err
	}
	if err := c.s.firstOrProved(ctx, userID, taken.Proved); err != nil {
		return made, nil, err
	}
	err = update(ctx, c.s, passkeyKey(userID), func(st *passkeyState) (time.Time, error) {
		var err error
		if !taken.Proved && len(st.Credentials) > 0 { // Since firstOrProved.
			return time.Time{}, ErrStepUp
		}
		if made, err = check(taken.State, st.Credentials); err != nil {
			return time.Time{}, refuse(ErrWrongCode)
		}
		made.Name, made.CreatedAt = cleanName(name), c.s.now()
		st.Credentials = append(st.Credentials, made)
		return st.until(), nil
	})
	if err != nil {
		return made, nil, err
	}
	codes = &confirmation{}
	if err := c.s.firstCodes(ctx, userID, codes); err != nil {
		return made, nil, errors.Join(err, c.drop(ctx, userID, made.ID))
	}
	return made, codes, c.s.resetAttempts(ctx, userAttempts(userID, Passkey))
}

// BeginVerify keeps what make returns, as BeginEnroll does. Without passkeys it
// returns ErrNotEnrolled.
func (c *Ceremonies) BeginVerify(ctx context.Context, userID string, make func(have []Credential) (challenge string, state []byte, err error)) error {
	if err := checkUser(userID); err != nil {
		return err
	}
	return update(ctx, c.s, passkeyKey(userID), func(st *passkeyState) (time.Time, error) {
		if len(st.Credentials) == 0 {
			return time.Time{}, ErrNotEnrolled
		}
		challenge, state, err := make(st.Credentials)
		if err != nil {
			return time.Time{}, err
		}
		st.begin(ceremony{Challenge: challenge, State: state}, c.s.now())
		return st.until(), nil
	})
}

// Verify spends the challenge and lets check say which credential has answered it,
// as it is to be kept from then on. Refusals, throttle and events are those of
// Service.Verify; the address is that of audit.NewContext.
func (c *Ceremonies) Verify(ctx context.Context, userID, challenge string, check func(state []byte, have []Credential) (Credential, error)) (*Verification, error) {
	if err := checkUser(userID); err != nil {
		return nil, err
	}
	r := Request{UserID: userID, Factor: Passkey}
	r.IP, _ = netip.ParseAddr(audit.FromContext(ctx).IP) // The zero Addr is not known.
	answer := assertion{c, challenge, check}
	v, err := c.s.settle(ctx, answer, r)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// assertion is the Verifier of one response.
type assertion struct {
	c         *Ceremonies
	challenge string
	check     func([]byte, []Credential) (Credential, error)
}

// Verify spends the challenge by an update on condition that nobody else has.
func (a assertion) Verify(ctx context.Context, r Request) (*Verification, error) {
	s := a.c.s
	taken, err := a.c.spend(ctx, r.UserID, a.challenge, false)
	if err != nil {
		return nil, err
	}
	var used Credential
	cloned := false
	err = update(ctx, s, passkeyKey(r.UserID), func(st *passkeyState) (time.Time, error) {
		var err error
		if used, err = a.check(taken.State, st.Credentials); err != nil {
			return time.Time{}, ErrWrongCode
		}
		i := slices.IndexFunc(st.Credentials, func(c Credential) bool { return string(c.ID) == string(used.ID) })
		if i < 0 {
			return time.Time{}, ErrNotEnrolled
		}
		cloned = used.Cloned && !st.Credentials[i].Cloned
		used.LastUsed = s.now()
		st.Credentials[i] = used
		return st.until(), nil
	})
	if err != nil {
		return nil, err
	}
	if cloned {
		if err := s.record(ctx, r.event("clone", nil)); err != nil {
			return nil, errors.Join(err, a.unmark(ctx, r.UserID, used.ID))
		}
		s.notify(ctx, r.UserID, "cloned", Passkey, used.Name)
	}
	return &Verification{UserID: r.UserID}, nil
}

// unmark forgets a warning that nobody has heard, so that the next proof gives it.
func (a assertion) unmark(ctx context.Context, userID string, id []byte) error {
	return update(context.WithoutCancel(ctx), a.c.s, passkeyKey(userID), func(st *passkeyState) (time.Time, error) {
		for i := range st.Credentials {
			if c := &st.Credentials[i]; string(c.ID) == string(id) {
				c.Cloned = false
			}
		}
		return st.until(), nil
	})
}

func (c *Ceremonies) spend(ctx context.Context, userID, challenge string, enroll bool) (taken ceremony, err error) {
	err = update(ctx, c.s, passkeyKey(userID), func(st *passkeyState) (time.Time, error) {
		var err error
		taken, err = st.spend(challenge, enroll, c.s.now())
		return st.until(), err
	})
	if sentinelOf(err) != nil {
		err = refuse(sentinelOf(err))
	}
	return taken, err
}

// drop removes a passkey.
func (c *Ceremonies) drop(ctx context.Context, userID string, id []byte) error {
	return update(context.WithoutCancel(ctx), c.s, passkeyKey(userID), func(st *passkeyState) (time.Time, error) {
		before := len(st.Credentials)
		st.Credentials = slices.DeleteFunc(st.Credentials, func(c Credential) bool { return string(c.ID) == string(id) })
		if len(st.Credentials) == before {
			return time.Time{}, ErrNotEnrolled
		}
		if end := st.until(); !end.IsZero() || len(st.Credentials) > 0 {
			return end, nil
		}
		return c.s.now(), nil
	})
}

// cleanName keeps what can be shown of a name.
func cleanName(name string) string {
	name = printable(name)
	if runes := []rune(name); len(runes) > maxName {
		return string(runes[:maxName])
	}
	return name
}
