package migration

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/auth0kit/auth0kit/internal/usershape"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Class says how a record can come to Auth0.
type Class string

// The classes of a plan.
const (
	Direct    Class = "direct"     // By an import job, with the stored hash as it is.
	Converted Class = "converted"  // By an import job, with the hash in another spelling.
	LazyOnly  Class = "lazy_only"  // At the next login: Auth0 cannot import the hash.
	ResetOnly Class = "reset_only" // Without a password; imported only with Config.Reset.
	Invalid   Class = "invalid"    // Only after the source is corrected.
	Duplicate Class = "duplicate"  // Never: an earlier record has the same email, username or phone.
	Owned     Class = "owned"      // Already at Auth0: the source has marked the record as migrated.
)

// verdict is a record's class with what follows from it.
type verdict struct {
	class   Class
	problem Problem // Rule is empty for what is imported as it is
	hash    passhash.Import
	rounded bool
	json    []byte // What the import file takes; valid until the next record.
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

// importable reports whether the record goes into an import file.
func (v *verdict) importable(reset Reset) bool {
	return v.class == Direct || v.class == Converted || v.class == ResetOnly && reset != ResetNone
}

// classifier sorts the records of one scan. It remembers the identifiers that it
// has seen, so each scan needs a new one.
type classifier struct {
	run        Run
	reset      Reset
	connection usershape.Connection
	enc        *encoder
	seen       *compact
}

func newClassifier(run Run, reset Reset, options map[string]any) *classifier {
	return &classifier{run: run, reset: reset, connection: usershape.Read(options), enc: newEncoder(run, ViaBulk), seen: newCompact()}
}

// classify prepares r and says what can be done with it. Whoever has an email
// claims it, importable or not: at a login the first of two is found, too.
func (c *classifier) classify(r *Record) verdict {
	if p := c.run.prepare(r, c.connection); p != nil {
		return verdict{class: Invalid, problem: *p}
	}
	if path, ok := c.claim(r); !ok {
		return verdict{class: Duplicate, problem: Problem{Key: r.Key, Class: Duplicate, Rule: RuleDuplicate, Path: path}}
	}
	v := c.password(r)
	if v.class == Invalid {
		return v
	}
	raw, err := c.enc.encode(r, v.hash)
	if err != nil {
		return c.invalid(r, RuleMetadata, "app_metadata")
	}
	if len(raw)-len(v.hash.JSON) > maxProfile {
		return c.invalid(r, RuleTooLarge, "")
	}
	v.json = raw
	v.rounded = usershape.Rounded(r.AppMetadata) || usershape.Rounded(r.UserMetadata)
	if r.Migrated {
		return verdict{class: Owned}
	}
	return v
}

func (c *classifier) invalid(r *Record, rule Rule, path string) verdict {
	return verdict{class: Invalid, problem: Problem{Key: r.Key, Class: Invalid, Rule: rule, Path: path}}
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
		return verdict{class: ResetOnly, problem: Problem{Key: r.Key, Class: ResetOnly, Rule: RuleReset}}
	case errors.Is(err, passhash.ErrLazyOnly):
		return verdict{class: LazyOnly, problem: Problem{Key: r.Key, Class: LazyOnly, Rule: RuleLazy}}
	case c.reset == ResetUnusable:
		return verdict{class: ResetOnly, problem: Problem{Key: r.Key, Class: ResetOnly, Rule: RulePassword, Path: "password"}}
	}
	return c.invalid(r, RulePassword, "password")
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

// claim takes r's identifiers, or names the first that is taken. A phone or a
// username that is taken is dropped where the policy allows that.
func (c *classifier) claim(r *Record) (path string, ok bool) {
	ids := []struct {
		path   string
		value  *string
		policy FieldPolicy
	}{
		{"email", &r.Email, Refuse}, {"username", &r.Username, c.run.Fields.Username}, {"phone_number", &r.Phone, c.run.Fields.Phone},
	}
	for _, id := range ids {
		if *id.value == "" || !c.seen.has(id.path+" "+strings.ToLower(*id.value)) {
			continue
		}
		if id.policy == Refuse {
			return id.path, false
		}
		*id.value = ""
	}
	for _, id := range ids {
		if *id.value != "" {
			c.seen.add(id.path + " " + strings.ToLower(*id.value))
		}
	}
	return "", true
}
