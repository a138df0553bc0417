package migration

import (
	"errors"
	"fmt"
	"strings"

	"github.com/auth0kit/auth0kit/internal/usershape"
)

// Rule names the reason why a record cannot be imported as it is. It is the Code
// of an Outcome in StateInvalid, StateDuplicate or StateReset.
type Rule string

// The rules. Those about properties follow Auth0's schema for import files
// (https://auth0.com/docs/manage-users/user-migration/bulk-user-import-schema) and
// the options of the connection.
const (
	RuleRow       Rule = "row"         // The source could not read the row.
	RuleMap       Rule = "map"         // Run.Map refused the record.
	RuleKey       Rule = "key"         // Empty, too long, with spaces or control characters, or with Auth0's "auth0|" before it.
	RuleText      Rule = "text"        // Not UTF-8, or with control characters.
	RuleRequired  Rule = "required"    // Path is missing; import jobs require an email.
	RuleFormat    Rule = "format"      // Path is not an email, an E.164 number, a base32 secret or a URL.
	RuleLength    Rule = "length"      // Path is too long.
	RuleUsername  Rule = "username"    // The connection takes no usernames, or not this one; see Fields.Username.
	RuleMetadata  Rule = "metadata"    // A key that Auth0 or this package keeps for itself, a key with "." or "$", or a value that is not JSON.
	RulePrecision Rule = "precision"   // A warning: Auth0 rounds integers beyond 2^53. Write them as text.
	RuleFactors   Rule = "factors"     // More than ten second factors.
	RuleTooLarge  Rule = "too_large"   // The profile has more than 10 KB.
	RulePassword  Rule = "password"    // The stored hash is broken, unknown or too costly: nobody can verify it.
	RuleLazy      Rule = "lazy_only"   // Auth0 cannot import this kind of hash.
	RuleReset     Rule = "no_password" // Nothing is stored.
	RuleDuplicate Rule = "duplicate"   // Path says which identifier an earlier record has too.
	RuleConflict  Rule = "conflict"    // Somebody else at Auth0 has the email or the id already.
)

const maxProfile = 10 * 1024

// Problem is a record that cannot be imported as it is, or that was not, and why.
type Problem struct {
	Key   string
	Class Class  // What the record is; empty for one that Auth0 refused.
	Rule  Rule   // Empty for one that Auth0 refused.
	Path  string // The property; often empty.
	Code  string // Auth0's code for the rule or of its refusal, or the text of Run.Map.
	Retry bool   // Auth0 refused the user, and RetryFailed tries again.
}

// Error names the key and the rule.
func (p *Problem) Error() string {
	return fmt.Sprintf("migration: the record with the key %q cannot become a user: rule %s, property %q %s; correct the source, or see Run.Fields",
		p.Key, p.Rule, p.Path, p.Code)
}

// RowError is what a Source sets as Record.Problem: why it could not read one
// property of a row.
type RowError struct {
	Rule Rule   // RuleText, RuleFormat and so on. Defaults to RuleRow.
	Path string // The property, by Auth0's name, or the column.
	Err  error  // Says what was expected, and never what was there.
}

// Error says which property could not be read.
func (e *RowError) Error() string {
	return fmt.Sprintf("migration: %s cannot be read: %v", e.Path, e.Err)
}

// Unwrap returns Err.
func (e *RowError) Unwrap() error { return e.Err }

func rowProblem(r *Record) *Problem {
	p := &Problem{Key: r.Key, Class: Invalid, Rule: RuleRow}
	if e, ok := errors.AsType[*RowError](r.Problem); ok {
		p.Rule, p.Path = orDefault(e.Rule, RuleRow), e.Path
		if e.Err != nil {
			p.Code = e.Err.Error()
		}
	}
	return p
}

// ruleOf is the rule behind a violation of Auth0's schema.
func ruleOf(v usershape.Violation) Rule {
	switch {
	case v.Path == "user_id":
		return RuleKey
	case v.Code == usershape.Required:
		return RuleRequired
	case v.Code == usershape.Text:
		return RuleText
	case v.Path == "username":
		return RuleUsername
	case strings.HasSuffix(v.Path, "_metadata"):
		return RuleMetadata
	case v.Code == usershape.TooMany:
		return RuleFactors
	case v.Code == usershape.TooLong:
		return RuleLength
	}
	return RuleFormat
}
