package guardian_test

import (
	"context"
	"slices"
	"testing"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

var auth0Factors = []guardian.Factor{
	guardian.OTP, guardian.SMS, guardian.Push, guardian.Email, guardian.Duo,
	guardian.WebAuthnRoaming, guardian.WebAuthnPlatform, guardian.RecoveryCode,
}

// The SDK has the names of factors in its methods: what each of them turns on must
// be what the table says.
func TestFactorNamesOfTheSDK(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	client := tenant.Management()
	mfa := client.API().Guardian.MultiFactor
	for f, enable := range map[guardian.Factor]func(context.Context, bool, ...sdk.RequestOption) error{
		guardian.OTP: mfa.OTP.Enable, guardian.SMS: mfa.SMS.Enable, guardian.Push: mfa.Push.Enable, guardian.Email: mfa.Email.Enable,
		guardian.Duo: mfa.DUO.Enable, guardian.WebAuthnRoaming: mfa.WebAuthnRoaming.Enable,
		guardian.WebAuthnPlatform: mfa.WebAuthnPlatform.Enable, guardian.RecoveryCode: mfa.RecoveryCode.Enable,
	} {
		if err := enable(t.Context(), true); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		factors, err := client.Factors(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n, _ := f.Names()
		if !slices.Contains(factors, resource.Factor{Name: n.Factor, Enabled: true}) {
			t.Errorf("%s is called %q in the table, which the SDK did not turn on: %v", f, n.Factor, factors)
		}
		if err := enable(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	factors, err := client.Factors(t.Context())
	if err != nil || len(factors) != len(auth0Factors) {
		t.Errorf("the tenant has %d factors, the table %d; %v", len(factors), len(auth0Factors), err)
	}
}

// Names of tickets and methods are checked by the enumerations of Auth0's
// description, which the tenant enforces: an unknown one is refused.
func TestFactorNamesOfTheDescription(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	client := tenant.Management()
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "")
	if _, err := client.CreateEnrollmentTicket(t.Context(), id, "sms"); err == nil {
		t.Error("the tenant makes a ticket for sms, which is called phone there: it does not check names")
	}
	tickets := 0
	for _, f := range auth0Factors {
		n, _ := f.Names()
		if n.Ticket != "" {
			tickets++
			if _, err := client.CreateEnrollmentTicket(t.Context(), id, n.Ticket); err != nil {
				t.Errorf("ticket for %s: %v", n.Ticket, err)
			}
		}
	}
	if tickets != 6 {
		t.Errorf("%d factors have tickets, want 6", tickets)
	}
	for f, in := range map[guardian.Factor]resource.NewAuthenticationMethod{
		guardian.OTP:   {TOTPSecret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"},
		guardian.SMS:   {Phone: "+4930123456"},
		guardian.Email: {Email: "ada@example.com"},
	} {
		n, _ := f.Names()
		in.Type = n.Methods[0]
		m, err := client.CreateAuthenticationMethod(t.Context(), id, in)
		if err != nil {
			t.Fatalf("%s: %v", in.Type, err)
		}
		if back, ok := guardian.FactorOfMethod(m.Type); !ok || back != f {
			t.Errorf("the method %s is of %s, want %s", m.Type, back, f)
		}
	}
}

func TestFactorTableIsUnambiguous(t *testing.T) {
	t.Parallel()
	for _, f := range auth0Factors {
		n, ok := f.Names()
		if !ok || n.Factor != string(f) {
			t.Errorf("%s: %+v", f, n)
		}
		for _, m := range n.Methods {
			if got, _ := guardian.FactorOfMethod(m); got != f {
				t.Errorf("method %s is of %s and %s", m, f, got)
			}
		}
		for _, channel := range append(n.Channels, "") {
			got, ok := guardian.FactorOfAuthenticator(n.Authenticator, channel)
			if wanted := n.Authenticator != "" && (channel != "" || len(n.Channels) == 0); ok != wanted || ok && got != f {
				t.Errorf("authenticator %q %q is of %s, want %s", n.Authenticator, channel, got, f)
			}
		}
	}
	for _, none := range []string{"", "password", "passkey", "email-verification", "otp"} {
		if f, ok := guardian.FactorOfMethod(none); ok {
			t.Errorf("the method %q is the factor %s", none, f)
		}
	}
	if _, ok := guardian.Factor("totp").Names(); ok {
		t.Error("totp is a method, not a factor")
	}
	n, _ := guardian.SMS.Names()
	n.Channels[0] = "changed"
	if n, _ = guardian.SMS.Names(); n.Channels[0] != "sms" {
		t.Error("the table can be changed from outside")
	}
}
