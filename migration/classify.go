package migration

import (
	"encoding/json"
	"errors"
	"hash/maphash"
	"strings"

	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Class says how a record can come to Auth0.
type Class string

// The classes of a plan.
const (
	Direct    Class = "direct"     // By an import job, with the stored hash as it is.
	Converted Class = "converted"  // By an import job, with the hash in another spelling.
	LazyOnly  Class = "lazy_only"  // By Lazy at the next login: Auth0 cannot import the hash.
	ResetOnly Class = "reset_only" // There is no password; imported only with Config.ImportWithoutPassword.
	Invalid   Class = "invalid"    // Only after the source is corrected.
	Duplicate Class = "duplicate"  // Never: an earlier record has the same email, username or phone.
	Owned     Class = "owned"      // Already at Auth0: the source has marked the record as migrated.
)

// verdict is a record's class with what follows from it.
type verdict struct {
	class Class
	why   violation
	hash  passhash.Import
	json  []byte // What the import file takes; valid until the next record.
}

// importable reports whether the record goes into an import file.
func (v *verdict) importable(withoutPassword bool) bool {
	return v.class == Direct || v.class == Converted || v.class == ResetOnly && withoutPassword
}

// state is what the ledger says of a record that is not importable.
func (v *verdict) state() driver.State {
	switch v.class {
	case LazyOnly:
		return driver.StateLazy
	case ResetOnly:
		return driver.StateReset
	case Duplicate:
		return driver.StateDuplicate
	case Owned:
		return driver.StateMigrated
	}
	return driver.StateInvalid
}

// classifier sorts the records of one scan. It remembers the identifiers that it
// has seen, so each scan needs a new one.
type classifier struct {
	enc  *encoder
	seen identifiers
}

func newClassifier(run string) *classifier {
	return &classifier{enc: newEncoder(run, viaBulk), seen: newIdentifiers()}
}

func (c *classifier) classify(r *Record) verdict {
	if v, ok := validate(r); !ok {
		return verdict{class: Invalid, why: v}
	}
	v := c.password(r)
	if v.class == Invalid {
		return v
	}
	raw, err := c.enc.encode(r, v.hash)
	if err != nil {
		return verdict{class: Invalid, why: violation{RuleMetadata, "app_metadata"}}
	}
	if len(raw)-len(v.hash.JSON) > maxProfile {
		return verdict{class: Invalid, why: violation{rule: RuleTooLarge}}
	}
	v.json = raw
	if path, ok := c.seen.claim(r); !ok {
		return verdict{class: Duplicate, why: violation{RuleDuplicate, path}}
	}
	if r.Migrated {
		return verdict{class: Owned}
	}
	return v
}

// password says what can be done with the stored password.
func (c *classifier) password(r *Record) verdict {
	hash, err := passhash.Convert(r.Password)
	switch {
	case err == nil && asStored(hash, r.Password):
		return verdict{class: Direct, hash: hash}
	case err == nil:
		return verdict{class: Converted, hash: hash}
	case errors.Is(err, passhash.ErrUnusable):
		return verdict{class: ResetOnly, why: violation{rule: RuleReset}}
	case errors.Is(err, passhash.ErrLazyOnly):
		return verdict{class: LazyOnly, why: violation{rule: RuleLazy}}
	}
	return verdict{class: Invalid, why: violation{RulePassword, "password"}}
}

// asStored reports whether the file takes the stored value as it is, apart from a
// prefix that names the scheme.
func asStored(hash passhash.Import, s passhash.Stored) bool {
	var value string
	if hash.Field == fieldPasswordHash {
		return json.Unmarshal(hash.JSON, &value) == nil && value != "" && strings.HasSuffix(s.Value, value)
	}
	var custom struct{ Hash struct{ Value string } }
	if err := json.Unmarshal(hash.JSON, &custom); err != nil {
		return false
	}
	value = custom.Hash.Value
	return value != "" && strings.HasSuffix(s.Value, value)
}

// identifiers remembers who has claimed which email, username and phone, as 64
// random bits each: some 20 bytes for an identifier, 60 MB for a million users
// with all three. The chance that among a million identifiers one is taken for
// another's duplicate is below one in thirty million; it would be listed as a
// duplicate, not lost, and the next run, whose bits differ, would import it.
type identifiers struct {
	seed maphash.Seed
	set  map[uint64]struct{}
}

func newIdentifiers() identifiers {
	return identifiers{maphash.MakeSeed(), make(map[uint64]struct{})}
}

// claim takes r's identifiers, all or none, and names the first that is taken.
func (i identifiers) claim(r *Record) (path string, ok bool) {
	ids := [...]struct{ path, value string }{
		{"email", r.Email}, {"username", r.Username}, {"phone_number", r.Phone},
	}
	var sums [len(ids)]uint64
	for n, id := range ids {
		if id.value == "" {
			continue
		}
		sums[n] = maphash.String(i.seed, id.path+" "+strings.ToLower(id.value))
		if _, taken := i.set[sums[n]]; taken {
			return id.path, false
		}
	}
	for n, id := range ids {
		if id.value != "" {
			i.set[sums[n]] = struct{}{}
		}
	}
	return "", true
}
