package auth0test

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// SetFactor enables or disables a factor of the tenant: sms, push-notification,
// otp, email, duo, webauthn-roaming, webauthn-platform or recovery-code. All are off at first. It
// panics for any other name.
func (t *Tenant) SetFactor(name string, enabled bool) {
	if !slices.Contains(state.FactorNames, name) {
		panic("auth0test: SetFactor: there is no factor " + name)
	}
	t.s.Lock()
	defer t.s.Unlock()
	t.s.Auth.Factors.Enabled[name] = enabled
}

// SetMFAPolicies says when the tenant asks for a second factor: with
// "all-applications" at every login, without a policy (as at first) only of
// users who are enrolled and of logins that ask for it by acr_values.
func (t *Tenant) SetMFAPolicies(policies ...string) {
	t.s.Lock()
	defer t.s.Unlock()
	t.s.Auth.Factors.Policies = slices.Clone(policies)
}

// Enroll gives a user a confirmed second factor and enables it at the tenant:
// "otp", "sms" and "email" with the address to send codes to, "push-notification",
// or "recovery-code". It returns the seed of otp (see OTP) or the recovery code,
// and nothing for the others, whose codes and pushes are in the Outbox. It panics for
// any other factor.
func (t *Tenant) Enroll(userID, factor, address string) (secret string) {
	now := t.s.Lock()
	defer t.s.Unlock()
	s := &t.s.Auth.Factors
	e := &state.Enrollment{UserID: userID, Kind: state.EnrollmentKind[factor], Confirmed: true}
	switch factor {
	case "otp":
		e.Secret = keys.NewTOTPSecret()
	case "recovery-code":
		s.Enabled[factor] = true
		return s.NewRecovery(userID, now).Secret
	case "sms":
		e.Phone = address
	case "email":
		e.Email = address
	case "push-notification":
	default:
		panic("auth0test: Enroll: there is no factor " + factor)
	}
	s.Enabled[factor] = true
	return s.Add(e, now).Secret
}

// OTP returns the code that an authenticator app with that seed shows now. A code
// works once: Advance the tenant by 30 s to get the next one.
func (t *Tenant) OTP(secret string) string { return keys.TOTPAt(secret, t.s.Now()) }
