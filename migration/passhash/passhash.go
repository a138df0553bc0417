package passhash

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Stored is a password as the legacy system keeps it. It never prints.
type Stored struct {
	// Scheme names the format where Value does not say (see the package's table);
	// empty lets Value speak for itself.
	Scheme string
	// Value is the stored string. Empty means that the user has no password.
	Value string
	// Salt is what lies beside Value: a salt in a column of its own, the pepper of
	// Devise, the secret of Spring, the credential_data of Keycloak. Formats whose
	// Value holds everything refuse a Salt, because ignoring it would hide a mistake.
	Salt string
	// Iterations are the rounds of pbkdf2 where they lie beside Value. Formats whose
	// Value holds them refuse it.
	Iterations string
}

// IsZero reports whether there is no password at all.
func (s Stored) IsZero() bool { return s == Stored{} }

// Format hides everything from every verb of fmt, the Scheme too: a wrong mapping
// may put a hash there.
func (s Stored) Format(f fmt.State, _ rune) { secret.Format(f, s) }

// LogValue hides everything from log/slog. Log values one by one: slog's JSON handler
// prints everything inside of a slice, a map or another struct.
func (s Stored) LogValue() slog.Value { return secret.Shown() }

// The errors of this package. They are wrapped with the format and the reason,
// never with a part of the hash.
var (
	ErrMismatch  = errors.New("passhash: password does not match")
	ErrFormat    = errors.New("passhash: not a known or complete hash")
	ErrTooCostly = errors.New("passhash: parameters beyond the bounds of this package")
	ErrLazyOnly  = errors.New("passhash: Auth0 cannot import this format; migrate the user at the next login")
	ErrUnusable  = errors.New("passhash: no password matches; the user has to reset it")
)

// MaxPassword is the length in bytes of the longest password that Verify accepts:
// with an iterated digest, time grows with a length that an attacker chooses.
const MaxPassword = 1024

// Verify returns nil if password is the one that was stored. Otherwise the error
// is ErrMismatch (also for a user without a password), ErrFormat, or ErrTooCostly
// before anything was computed. It can take as long and as much memory as the
// stored parameters ask for, up to the bounds of the package: limit how many run
// at once. Digests are compared in constant time.
func Verify(s Stored, password string) error {
	f, p, err := parse(s, standard)
	if errors.Is(err, ErrUnusable) {
		return ErrMismatch
	}
	if err != nil {
		return err
	}
	if len(password) > MaxPassword {
		return fmt.Errorf("%w: the password has more than %d bytes", ErrTooCostly, MaxPassword)
	}
	if !p.verify(password) {
		return fmt.Errorf("%w (%s)", ErrMismatch, f.name)
	}
	return nil
}

// Import is one member of a user in the file of an import job.
type Import struct {
	Field string          // "password_hash" or "custom_password_hash".
	JSON  json.RawMessage // Its value.
}

// Format hides the hash from every verb of fmt.
func (i Import) Format(f fmt.State, _ rune) { secret.Format(f, i) }

// LogValue shows the field only. Log values one by one: slog's JSON handler prints
// everything inside of a slice, a map or another struct.
func (i Import) LogValue() slog.Value { return secret.Shown(slog.String("field", i.Field)) }

// Convert returns a stored hash in the form that Auth0 imports, without knowing
// the password and without weakening the hash: the digest stays the same, only its
// notation changes. The error is ErrLazyOnly with the reason if Auth0 has no such
// algorithm, ErrUnusable for a user without a password, ErrFormat or ErrTooCostly.
//
// Auth0 accepts only the first hash of a user, and a wrong one fails at the login,
// not in the job. Prove conversions with accounts whose password you know before
// you import everybody.
func Convert(s Stored) (Import, error) {
	f, p, err := parse(s, standard)
	if err != nil {
		return Import{}, err
	}
	i, reason := p.convert()
	if reason != "" {
		return Import{}, fmt.Errorf("%w (%s: %s)", ErrLazyOnly, f.name, reason)
	}
	return i, nil
}

// Identify returns the format of s by its name in the package's table, for plans
// and reports. Errors are those of Convert, without ErrLazyOnly.
func Identify(s Stored) (format string, err error) {
	f, _, err := parse(s, standard)
	if err != nil {
		return "", err
	}
	return f.name, nil
}

// Kind returns the format of s with its cost parameters: hashes of one kind take
// equally long to verify. Errors are those of Identify.
func Kind(s Stored) (string, error) {
	var costs []string
	l := standard
	l.costs = &costs
	f, _, err := parse(s, l)
	if err != nil {
		return "", err
	}
	return strings.Join(append([]string{f.name}, costs...), ", "), nil
}
