package guardian

import "slices"

// Factor names a second factor as the tenant's settings do (GET
// /api/v2/guardian/factors), or one of those that this module verifies itself.
// The empty Factor means no factor.
type Factor string

// The factors. Local factors are in Config.Store; Auth0 does not know them unless
// Config.MirrorTOTP registers the seed there too.
const (
	LocalTOTP     Factor = "local-totp"     // An authenticator app whose seed this package keeps.
	LocalRecovery Factor = "local-recovery" // Recovery codes of this package.
	Passkey       Factor = "local-passkey"  // Passkeys of package passkey.

	OTP              Factor = "otp" // An authenticator app whose seed Auth0 keeps.
	SMS              Factor = "sms" // Text messages and calls.
	Push             Factor = "push-notification"
	Email            Factor = "email"
	Duo              Factor = "duo"
	WebAuthnRoaming  Factor = "webauthn-roaming"
	WebAuthnPlatform Factor = "webauthn-platform"
	RecoveryCode     Factor = "recovery-code" // Auth0's, one for each user.
)

// The methods that a proof by WebAuthn adds to a session beside "mfa": "pop" of the
// OpenID EAP registration, and a name of our own, because RFC 8176 has none for
// what verified the user.
const (
	methodPop = "pop"
	methodUV  = "uv"
)

// Names holds what one factor is called in each of Auth0's vocabularies. An empty
// name means that the vocabulary does not have the factor.
type Names struct {
	Factor        string   // The tenant's setting: "sms".
	Ticket        string   // In an enrollment ticket: "phone".
	Methods       []string // Types of authentication methods: "phone"; the first is the one to create.
	Authenticator string   // authenticator_type of the MFA API: "oob".
	Channels      []string // oob_channel of the MFA API: "sms", "voice"; the first is the one to enroll.
	AMR           string   // The method of RFC 8176 beside "mfa"; empty where it has none.
}

// names is the table. Sources: the Management API's schemas GuardianFactorNameEnum,
// GuardianEnrollmentFactorEnum and AuthenticationMethodTypeEnum, and
// https://auth0.com/docs/secure/multi-factor-authentication/authenticate-using-ropg-flow-with-mfa
// with its pages about enrolling.
var names = map[Factor]Names{
	OTP:              {"otp", "otp", []string{"totp"}, "otp", nil, "otp"},
	SMS:              {"sms", "phone", []string{"phone"}, "oob", []string{"sms", "voice"}, "sms"},
	Push:             {"push-notification", "push-notification", []string{"push", "guardian"}, "oob", []string{"auth0"}, "swk"},
	Email:            {"email", "email", []string{"email"}, "oob", []string{"email"}, ""},
	Duo:              {"duo", "", nil, "", nil, ""},
	WebAuthnRoaming:  {"webauthn-roaming", "webauthn-roaming", []string{"webauthn-roaming"}, "", nil, "hwk"},
	WebAuthnPlatform: {"webauthn-platform", "webauthn-platform", []string{"webauthn-platform"}, "", nil, "hwk"},
	RecoveryCode:     {"recovery-code", "", []string{"recovery-code"}, "recovery-code", nil, ""},
	LocalTOTP:        {AMR: "otp"},
	LocalRecovery:    {},
	Passkey:          {AMR: methodPop},
}

// Names returns the names that Auth0 uses for f; ok is false if f is not a factor
// of this package.
func (f Factor) Names() (n Names, ok bool) {
	n, ok = names[f]
	n.Methods, n.Channels = slices.Clone(n.Methods), slices.Clone(n.Channels)
	return n, ok
}

// local reports whether this package verifies f itself.
func (f Factor) local() bool { return f == LocalTOTP || f == LocalRecovery || f == Passkey }

// amr is what a proof by f adds to the methods of a session.
func (f Factor) amr() []string {
	if f == Passkey { // User verification is required.
		return []string{"mfa", methodPop, methodUV}
	}
	if m := names[f].AMR; m != "" {
		return []string{"mfa", m}
	}
	return []string{"mfa"}
}

// FactorOfMethod returns the factor of an authentication method by its type, and
// false for methods that are not a second factor: "password", "passkey",
// "email-verification".
func FactorOfMethod(methodType string) (Factor, bool) {
	return find(func(n Names) bool { return slices.Contains(n.Methods, methodType) })
}

// FactorOfAuthenticator returns the factor of an authenticator of the MFA API by
// its authenticator_type and oob_channel.
func FactorOfAuthenticator(authenticatorType, channel string) (Factor, bool) {
	return find(func(n Names) bool {
		return authenticatorType != "" && n.Authenticator == authenticatorType &&
			(len(n.Channels) == 0 || slices.Contains(n.Channels, channel))
	})
}

func find(which func(Names) bool) (Factor, bool) {
	for f, n := range names {
		if which(n) {
			return f, true
		}
	}
	return "", false
}
