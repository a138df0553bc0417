package jose

import (
	"errors"
	"time"
)

// ErrInvalid says that the token is refused for what it is. See [Error].
var ErrInvalid = errors.New("jose: invalid token")

// ErrUnavailable says that nobody can tell whether the token is good, since the
// keys of its issuer cannot be read. See [UnavailableError].
var ErrUnavailable = errors.New("jose: keys are unavailable")

// ErrNoClaim says that a token has no claim of that name.
var ErrNoClaim = errors.New("jose: no such claim")

// Reason says why a token is refused, in words of low cardinality for metrics
// and logs.
type Reason string

// The reasons, in the order of the checks.
const (
	TooLong     Reason = "too_long"     // over MaxLength
	Malformed   Reason = "malformed"    // not the compact form of a JWS, or not JSON
	BadHeader   Reason = "header"       // crit, b64, zip, enc, key material, or a name twice
	BadType     Reason = "type"         // typ is not one that the policy takes
	BadAlg      Reason = "algorithm"    // alg is not one that the policy takes
	BadIssuer   Reason = "issuer"       // iss is not one that the policy takes
	UnknownKey  Reason = "key"          // no kid, or the issuer has no such key for this algorithm
	BadSig      Reason = "signature"    // forged or damaged
	BadClaims   Reason = "claims"       // a name twice, or a claim of the wrong type
	Bound       Reason = "confirmation" // cnf: bound to a key whose possession is not proved
	BadAudience Reason = "audience"     // aud does not have the policy's audience
	Expired     Reason = "expired"      // exp is past
	NotYet      Reason = "not_yet"      // nbf or iat is to come

	WrongRequest Reason = "request" // a DPoP proof for another method or URL
	WrongToken   Reason = "token"   // a DPoP proof for another access token, or for none
)

// Error is why a token is refused. It has nothing of the token itself.
type Error struct{ Reason Reason }

// Error names the reason.
func (e *Error) Error() string { return ErrInvalid.Error() + ": " + string(e.Reason) }

// Is matches ErrInvalid.
func (e *Error) Is(target error) bool { return target == ErrInvalid }

func refuse(r Reason) error { return &Error{Reason: r} }

// UnavailableError says after how much time it makes sense to ask again.
type UnavailableError struct {
	RetryAfter time.Duration // Positive.
	Err        error         // The cause.
}

// Error has the cause, which names no URL.
func (e *UnavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.Err.Error() }

// Is matches ErrUnavailable.
func (e *UnavailableError) Is(target error) bool { return target == ErrUnavailable }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }
