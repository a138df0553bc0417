package migration

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Rule names the reason why a record cannot be imported as it is. It is the Code
// of an Outcome in StateInvalid, StateDuplicate or StateReset.
type Rule string

// The rules. Those about properties follow Auth0's schema for import files:
// https://auth0.com/docs/manage-users/user-migration/bulk-user-import-schema
const (
	RuleKey       Rule = "key"         // Empty, over 249 bytes, with control characters, or with Auth0's "auth0|" before it.
	RuleText      Rule = "text"        // Not UTF-8, or with control characters.
	RuleRequired  Rule = "required"    // Path is missing; import jobs require an email.
	RuleFormat    Rule = "format"      // Path is not an email, an E.164 number or a base32 secret.
	RuleMetadata  Rule = "metadata"    // A key that Auth0 or this package keeps for itself, a key with "." or "$", or a value that is not JSON.
	RuleFactors   Rule = "factors"     // More than ten second factors.
	RuleTooLarge  Rule = "too_large"   // The profile has more than 10 KB.
	RulePassword  Rule = "password"    // The stored hash is broken: nobody can verify it.
	RuleLazy      Rule = "lazy_only"   // Auth0 cannot import this kind of hash.
	RuleReset     Rule = "no_password" // Nothing is stored.
	RuleDuplicate Rule = "duplicate"   // Path says which identifier an earlier record has too.
)

const (
	maxKey     = 255 - len(provider) // Auth0's bound of a user id.
	maxFactors = 10
	maxProfile = 10 * 1024
)

// forbidden are the keys that Auth0 refuses in app_metadata, and ours.
var forbidden = []string{
	"__tenant", "_id", "blocked", "clientID", "created_at", "email", "email_verified", "globalClientID",
	"global_client_id", "identities", "lastIP", "lastLogin", "loginsCount", "metadata", "multifactor",
	"multifactor_last_modified", "updated_at", "user_id", markerKey,
}

var (
	e164       = regexp.MustCompile(`^\+[0-9]{1,15}$`)
	totpSecret = regexp.MustCompile(`^[A-Z2-7]+$`)
)

// violation is a rule and the property that breaks it.
type violation struct {
	rule Rule
	path string
}

// validate returns the first rule that r breaks.
func validate(r *Record) (violation, bool) {
	if !validKey(r.Key) {
		return violation{RuleKey, "user_id"}, false
	}
	if r.Email == "" {
		return violation{RuleRequired, "email"}, false
	}
	texts := []struct{ path, value string }{
		{"email", r.Email}, {"username", r.Username}, {"phone_number", r.Phone}, {"name", r.Name},
	}
	for _, t := range texts {
		if !printable(t.value) {
			return violation{RuleText, t.path}, false
		}
	}
	if !validEmail(r.Email) {
		return violation{RuleFormat, "email"}, false
	}
	if r.Phone != "" && !e164.MatchString(r.Phone) {
		return violation{RuleFormat, "phone_number"}, false
	}
	if v, ok := validateFactors(r); !ok {
		return v, false
	}
	return validateMetadata(r)
}

func validKey(key string) bool {
	return key != "" && len(key) <= maxKey && printable(key) && key == strings.TrimSpace(key) &&
		!strings.HasPrefix(key, provider)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func validEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

func validateFactors(r *Record) (violation, bool) {
	if len(r.TOTPSecrets)+len(r.MFAPhones) > maxFactors {
		return violation{RuleFactors, "mfa_factors"}, false
	}
	if slices.ContainsFunc(r.TOTPSecrets, func(s string) bool { return !totpSecret.MatchString(s) }) {
		return violation{RuleFormat, "mfa_factors.totp.secret"}, false
	}
	if slices.ContainsFunc(r.MFAPhones, func(s string) bool { return !e164.MatchString(s) }) {
		return violation{RuleFormat, "mfa_factors.phone.value"}, false
	}
	return violation{}, true
}

func validateMetadata(r *Record) (violation, bool) {
	for key := range r.AppMetadata {
		if !metadataKey(key) || slices.Contains(forbidden, key) {
			return violation{RuleMetadata, "app_metadata"}, false
		}
	}
	for key := range r.UserMetadata {
		if !metadataKey(key) {
			return violation{RuleMetadata, "user_metadata"}, false
		}
	}
	return violation{}, true
}

// metadataKey follows Auth0's rules for names of metadata fields:
// https://auth0.com/docs/manage-users/user-accounts/metadata/metadata-fields-data
func metadataKey(key string) bool {
	return key != "" && !strings.HasPrefix(key, "$") && !strings.Contains(key, ".") && printable(key)
}

func invalidConfig(field, problem string) error {
	return fmt.Errorf("migration: %s %s", field, problem)
}
