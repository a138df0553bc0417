package jose

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"time"
)

// Token is a verified token. It is immutable and safe for concurrent use.
type Token struct {
	Issuer    string    // One of the policy's.
	Subject   string    // Empty when the token has none; never empty in the token.
	IssuedAt  time.Time // Zero when the token does not say.
	ExpiresAt time.Time
	Type      string // typ as the policy writes it.

	Audiences  []string // Those of the policy that the token has.
	Thumbprint string   // Of the key that the token is bound to (cnf.jkt); "" for a bearer token.

	claims object
	key    *Key
	keys   *KeySet
}

// Claim decodes the claim of exactly that name, or answers ErrNoClaim. A struct
// below v is decoded as encoding/json does it, without regard to case.
func (t *Token) Claim(name string, v any) error {
	value, ok := t.claims.get(name)
	if !ok {
		return ErrNoClaim
	}
	if err := json.Unmarshal(value, v); err != nil {
		return refuse(BadClaims)
	}
	return nil
}

// Has reports whether the token has the claim, be it null.
func (t *Token) Has(name string) bool {
	_, ok := t.claims.get(name)
	return ok
}

// Text returns a claim that must be a string where it is there; "" without it.
func (t *Token) Text(name string) (string, error) { return t.claims.text(name) }

// Texts returns a claim that must be an array of strings where it is there.
func (t *Token) Texts(name string) ([]string, error) { return t.claims.texts(name) }

// Time returns a claim that must be a NumericDate (RFC 7519 section 2) where it
// is there; the zero time without it.
func (t *Token) Time(name string) (time.Time, error) { return t.claims.time(name) }

// Object returns the strings of a claim that must be an object where it is
// there, by exact name; nil without it. Values of other types are left out.
func (t *Token) Object(name string) (map[string]string, error) {
	value, ok := t.claims.get(name)
	if !ok {
		return nil, nil
	}
	if value[0] != '{' {
		return nil, refuse(BadClaims)
	}
	nested, err := parseObject(value, maxMembers)
	if err != nil {
		return nil, refuse(BadClaims)
	}
	texts := make(map[string]string, len(nested))
	for _, m := range nested {
		if text, err := unquote(m.value); err == nil {
			texts[string(m.name)] = string(text)
		}
	}
	return texts, nil
}

// Current asks again whether the token's issuer still publishes its key: nil, an
// Error with UnknownKey, or an UnavailableError. It does not look at the clock.
// It is what a cache of verified tokens must ask at each hit, and costs no
// allocation while the keys are fresh.
func (t *Token) Current(ctx context.Context) error {
	now, err := t.keys.find(ctx, t.key.ID, t.key.Alg)
	if err != nil {
		return err
	}
	if now != t.key {
		return refuse(UnknownKey)
	}
	return nil
}

func (o object) text(name string) (string, error) {
	value, ok := o.get(name)
	if !ok {
		return "", nil
	}
	text, err := unquote(value)
	if err != nil {
		return "", refuse(BadClaims)
	}
	return string(text), nil
}

func (o object) texts(name string) ([]string, error) {
	value, ok := o.get(name)
	if !ok {
		return nil, nil
	}
	if value[0] != '[' {
		return nil, refuse(BadClaims)
	}
	all := string(value) // of which the texts are parts: one allocation for them all
	texts := make([]string, 0, bytes.Count(value, []byte{','})+1)
	for s := (scanner{text: value}); s.next(']'); {
		quoted := s.value()
		text, err := unquote(quoted)
		if err != nil {
			return nil, refuse(BadClaims)
		}
		if len(text) == len(quoted)-2 { // an escape is longer than what it stands for
			texts = append(texts, all[s.pos-len(quoted)+1:s.pos-1])
			continue
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}

// latest is the end of the year 9999, the last that RFC 3339 can write.
const latest = 253402300799

func (o object) time(name string) (time.Time, error) {
	value, ok := o.get(name)
	if !ok {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || value[0] == '-' || seconds > latest {
		return time.Time{}, refuse(BadClaims)
	}
	return time.Unix(int64(seconds), 0), nil
}
