package guardian_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
)

func TestInputIsChecked(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		ctx := s.Context()
		for _, user := range []string{"", "auth0|\x00", "auth0|\xff", fmt.Sprintf("auth0|%0300d", 0)} {
			_, e1 := s.service.Verify(ctx, guardian.Request{UserID: user, Factor: guardian.LocalTOTP, Code: "123456"})
			_, e2 := s.service.EnrollTOTP(ctx, user, "ada", nil)
			_, e3 := s.service.ConfirmTOTP(ctx, user, "123456")
			_, e4 := s.service.Enrollments(ctx, user)
			_, e5 := s.service.EnrollmentTickets(ctx, user, guardian.OTP)
			for _, err := range []error{e1, e2, e3, e4, e5, s.service.Reset(ctx, user), s.service.Remove(ctx, user, "x")} {
				if err == nil {
					s.Errorf("the user %q was accepted", user)
				}
			}
		}
		for _, account := range []string{"", "a\nb", fmt.Sprintf("%0200d", 0)} {
			if _, err := s.service.EnrollTOTP(ctx, s.user, account, nil); err == nil {
				s.Errorf("the account %q was accepted", account)
			}
		}
		for _, f := range []guardian.Factor{"", "totp", guardian.Duo, guardian.WebAuthnRoaming} {
			if _, err := s.verify(f, "123456"); err == nil {
				s.Errorf("the factor %q was verified", f)
			}
		}
		if len(s.log.Events()) != 0 {
			s.Errorf("bad input was recorded: %v", s.log.Actions())
		}
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{}).Management()
	keys := [][]byte{newKey()}
	for name, cfg := range map[string]guardian.Config{
		"store without keys":  {Store: guardian.NewMemory(), Issuer: "Example"},
		"keys without store":  {Keys: keys, Issuer: "Example"},
		"short key":           {Store: guardian.NewMemory(), Keys: [][]byte{[]byte("short")}, Issuer: "Example"},
		"no issuer":           {Store: guardian.NewMemory(), Keys: keys},
		"issuer with a colon": {Store: guardian.NewMemory(), Keys: keys, Issuer: "a:b"},
		"mirror without keys": {MirrorTOTP: true},
		"too many failures":   {Store: guardian.NewMemory(), Keys: keys, Issuer: "Example", MaxFailures: 101},
		"too few failures":    {Store: guardian.NewMemory(), Keys: keys, Issuer: "Example", MaxFailures: 3},
		"local verifier":      {Verifiers: map[guardian.Factor]guardian.Verifier{guardian.LocalTOTP: &guardian.MFA{}}},
		"nil verifier":        {Verifiers: map[guardian.Factor]guardian.Verifier{guardian.OTP: nil}},
	} {
		if _, err := guardian.New(tenant, cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := guardian.New(nil, guardian.Config{}); err == nil {
		t.Error("a service without anything was made")
	}
	if _, err := guardian.New(tenant, guardian.Config{}); err != nil {
		t.Error(err)
	}
}

func TestAuthAPI(t *testing.T) {
	t.Parallel()
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for _, c := range []struct {
		app  guardian.AuthAPI
		want string // empty: taken
	}{
		{guardian.AuthAPI{}, "guardian: AuthAPI.Domain must be a domain"},
		{guardian.AuthAPI{Domain: "https://tenant.eu.auth0.com/x", ClientID: "c"}, "guardian: AuthAPI.Domain must be a domain"},
		{guardian.AuthAPI{Domain: "http://tenant.eu.auth0.com", ClientID: "c"}, "guardian: AuthAPI.Domain must be a domain"},
		{guardian.AuthAPI{Domain: "tenant.eu.auth0.com"}, "guardian: AuthAPI.ClientID is empty"},
		{guardian.AuthAPI{Domain: "tenant.eu.auth0.com", ClientID: "c", ClientSecret: "s", PrivateKey: edwards}, "guardian: AuthAPI.ClientSecret and PrivateKey are both set"},
		{guardian.AuthAPI{Domain: "tenant.eu.auth0.com", ClientID: "c", PrivateKey: edwards}, "guardian: AuthAPI.PrivateKey cannot be used"},
		{guardian.AuthAPI{Domain: "tenant.eu.auth0.com", ClientID: "c"}, ""},
		{guardian.AuthAPI{Domain: "https://Tenant.eu.auth0.com/", ClientID: "c"}, ""},
	} {
		mfa, mfaErr := guardian.NewMFA(c.app)
		ciba, cibaErr := guardian.NewCIBA(c.app)
		for _, err := range []error{mfaErr, cibaErr} {
			if c.want == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, c.want)
			}
		}
		assert.Equal(t, c.want == "", mfa != nil && ciba != nil)
	}
}

// Another key in front opens what the old one sealed; another ring does not, and
// does not take it for a user without a factor.
func TestKeyRotation(t *testing.T) {
	onStage(t, guardian.Config{Keys: [][]byte{make32('a')}}, func(s *stage) {
		secret, _ := s.enroll(nil)
		next, err := guardian.New(nil, guardian.Config{Store: s.store, Keys: [][]byte{make32('b'), make32('a')}, Issuer: "Example"})
		if err != nil {
			s.Fatal(err)
		}
		r := guardian.Request{UserID: s.user, Factor: guardian.LocalTOTP, Code: s.otp(secret)}
		if _, err := next.Verify(s.Context(), r); err != nil {
			s.Errorf("after the rotation: %v", err)
		}
		lost, err := guardian.New(nil, guardian.Config{Store: s.store, Keys: [][]byte{make32('c')}, Issuer: "Example"})
		if err != nil {
			s.Fatal(err)
		}
		_, err = lost.Verify(s.Context(), r)
		if _, isNo := errors.AsType[*guardian.VerifyError](err); err == nil || isNo {
			s.Errorf("with another key: %v", err)
		}
		if _, err := lost.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil); err == nil {
			s.Error("a record that does not open was replaced")
		}
	})
}

func make32(first byte) []byte {
	key := []byte("?0123456789abcdefghijklmnopqrstu")
	key[0] = first
	return key
}
