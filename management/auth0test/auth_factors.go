package auth0test

import (
	"slices"
	"strings"
	"time"
)

// factorNames are the factors of a tenant in the order in which Auth0 lists them.
var factorNames = []string{"sms", "push-notification", "otp", "email", "duo", "webauthn-roaming", "webauthn-platform", "recovery-code"}

// enrolmentKind maps a factor of the tenant to the kind of its enrolments, which is
// also the prefix of their ids.
var enrolmentKind = map[string]string{
	"sms": "sms", "push-notification": "push", "otp": "totp", "email": "email",
	"webauthn-roaming": "webauthn-roaming", "webauthn-platform": "webauthn-platform", "recovery-code": "recovery-code",
}

// enrolment is an authenticator of a user: what the MFA API calls an
// authenticator, Guardian an enrollment and the Management API an
// authentication method.
type enrolment struct {
	id, userID string // "totp|dev_…"
	kind       string // totp, sms, voice, push, email, recovery-code, webauthn-…
	name       string
	secret     string // TOTP seed, or the recovery code.
	phone      string
	email      string
	confirmed  bool

	createdAt, confirmedAt, lastAuth time.Time
	lastStep                         int64 // Of the last TOTP code that was used.
}

// factor is the factor of the tenant that must be enabled for the enrolment to
// count.
func (e *enrolment) factor() string {
	switch e.kind {
	case "totp":
		return "otp"
	case "push":
		return "push-notification"
	case "voice":
		return "sms"
	}
	return e.kind
}

// channel is the MFA API's oob_channel, empty when the kind has none.
func (e *enrolment) channel() string {
	switch e.kind {
	case "sms", "voice", "email":
		return e.kind
	case "push":
		return "auth0"
	}
	return ""
}

// address is where a code goes.
func (e *enrolment) address() string {
	if e.kind == "email" {
		return e.email
	}
	return e.phone
}

// masked is the address as lists show it.
func (e *enrolment) masked() string {
	switch {
	case e.phone != "":
		return maskPhone(e.phone)
	case e.email != "":
		return maskEmail(e.email)
	}
	return ""
}

func maskPhone(s string) string {
	if len(s) <= 4 {
		return s
	}
	return strings.Repeat("X", len(s)-4) + s[len(s)-4:]
}

// maskEmail hides all but four characters of each side, as "chuc****@exam*******".
func maskEmail(s string) string {
	local, domain, _ := strings.Cut(s, "@")
	return maskTail(local) + "@" + maskTail(domain)
}

// maskTail leaves four characters, and none of a shorter text.
func maskTail(s string) string {
	if len(s) <= 4 {
		return "****"
	}
	return s[:4] + strings.Repeat("*", len(s)-4)
}

// factorStore holds the second factors. The tenant's mutex guards it.
type factorStore struct {
	enabled  map[string]bool
	policies []string // all-applications, confidence-score, or none.
	byUser   map[string][]*enrolment
	browsers map[string]rememberedBrowser // By the value of their cookie.
}

// rememberedBrowser passes the second factor for a while.
type rememberedBrowser struct {
	userID  string
	expires time.Time
}

func (s *factorStore) start() {
	s.enabled, s.byUser = map[string]bool{}, map[string][]*enrolment{}
	s.browsers = map[string]rememberedBrowser{}
}

// add stores an enrolment and gives it its id.
func (s *factorStore) add(e *enrolment, now time.Time) *enrolment {
	e.id, e.createdAt = e.kind+"|"+newID("dev"), now
	if e.confirmed {
		e.confirmedAt = now
	}
	s.byUser[e.userID] = append(s.byUser[e.userID], e)
	return e
}

// confirm ends a pending enrolment: it has been proved.
func (e *enrolment) confirm(now time.Time) {
	if !e.confirmed {
		e.confirmed, e.confirmedAt = true, now
	}
	e.lastAuth = now
}

// get returns the enrolment of a user by its id, or nil.
func (s *factorStore) get(userID, id string) *enrolment {
	for _, e := range s.byUser[userID] {
		if e.id == id {
			return e
		}
	}
	return nil
}

// byID returns an enrolment of any user, or nil.
func (s *factorStore) byID(id string) *enrolment {
	for userID := range s.byUser {
		if e := s.get(userID, id); e != nil {
			return e
		}
	}
	return nil
}

// remove forgets enrolments of a user. The recovery code goes with the last
// other one: alone it is no second factor.
func (s *factorStore) remove(userID string, which func(*enrolment) bool) (removed int) {
	left := slices.DeleteFunc(s.byUser[userID], func(e *enrolment) bool {
		if which(e) {
			removed++
			return true
		}
		return false
	})
	if !slices.ContainsFunc(left, func(e *enrolment) bool { return e.kind != "recovery-code" }) {
		left = nil
	}
	s.byUser[userID] = left
	if len(left) == 0 {
		delete(s.byUser, userID)
	}
	return removed
}

// usable returns the confirmed enrolments of a user whose factor is enabled.
func (s *factorStore) usable(userID string) []*enrolment {
	var out []*enrolment
	for _, e := range s.byUser[userID] {
		if e.confirmed && s.enabled[e.factor()] {
			out = append(out, e)
		}
	}
	return out
}

// enrolled reports whether the user has a second factor to be challenged for; a
// recovery code alone is none.
func (s *factorStore) enrolled(userID string) bool {
	return slices.ContainsFunc(s.usable(userID), func(e *enrolment) bool { return e.kind != "recovery-code" })
}

// recovery returns the user's recovery code, or nil.
func (s *factorStore) recovery(userID string) *enrolment {
	for _, e := range s.byUser[userID] {
		if e.kind == "recovery-code" {
			return e
		}
	}
	return nil
}

// anyEnabled reports whether the tenant has a factor to enrol.
func (s *factorStore) anyEnabled() bool {
	for name, on := range s.enabled {
		if on && name != "recovery-code" {
			return true
		}
	}
	return false
}

// newRecovery gives the user a new recovery code in place of the old one.
func (s *factorStore) newRecovery(userID string, now time.Time) *enrolment {
	e := s.recovery(userID)
	if e == nil {
		e = s.add(&enrolment{userID: userID, kind: "recovery-code", confirmed: true}, now)
	}
	e.secret = newRecoveryCode()
	return e
}

// newRecoveryCode is 24 characters, as Auth0's.
func newRecoveryCode() string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ123456789"
	b := []byte(randomID(24))
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

// forgetBrowsers makes a user pass the second factor in every browser again.
func (s *factorStore) forgetBrowsers(userID string) {
	for cookie, b := range s.browsers {
		if b.userID == userID {
			delete(s.browsers, cookie)
		}
	}
}

// SetFactor enables or disables a factor of the tenant: sms, push-notification,
// otp, email, duo, webauthn-roaming, webauthn-platform or recovery-code. All are
// off at the beginning. It panics on another name.
func (t *Tenant) SetFactor(name string, enabled bool) {
	if !slices.Contains(factorNames, name) {
		panic("auth0test: SetFactor: there is no factor " + name)
	}
	t.lock()
	defer t.mu.Unlock()
	t.authState.factors.enabled[name] = enabled
}

// SetMFAPolicies says when the tenant asks for a second factor: with
// "all-applications" at every login, without a policy (the beginning) only of
// users who are enrolled and of logins that ask for it by acr_values.
func (t *Tenant) SetMFAPolicies(policies ...string) {
	t.lock()
	defer t.mu.Unlock()
	t.authState.factors.policies = slices.Clone(policies)
}

// Enroll gives a user a confirmed second factor and enables it at the tenant:
// "otp", "sms" and "email" with the address to send codes to, "push-notification",
// or "recovery-code". It returns the seed of otp (see OTP) or the recovery code,
// and nothing for the others, whose codes and pushes are in the Outbox. It
// panics on another factor.
func (t *Tenant) Enroll(userID, factor, address string) (secret string) {
	now := t.lock()
	defer t.mu.Unlock()
	s := &t.authState.factors
	e := &enrolment{userID: userID, kind: enrolmentKind[factor], confirmed: true}
	switch factor {
	case "otp":
		e.secret = newTOTPSecret()
	case "recovery-code":
		s.enabled[factor] = true
		return s.newRecovery(userID, now).secret
	case "sms":
		e.phone = address
	case "email":
		e.email = address
	case "push-notification":
	default:
		panic("auth0test: Enroll: there is no factor " + factor)
	}
	s.enabled[factor] = true
	return s.add(e, now).secret
}

// OTP returns the code that an authenticator app with that seed shows now. A code
// works once: Advance the tenant by 30 s to get the next one.
func (t *Tenant) OTP(secret string) string { return totpAt(secret, t.now()) }
