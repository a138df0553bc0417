package guardian_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// A factor that is off is explained, and nothing is changed.
func TestEnableOfADisabledFactor(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		s.tenant.SetFactor("otp", true)
		tickets, err := s.service.EnrollmentTickets(s.Context(), s.user, guardian.OTP, guardian.SMS)
		if !errors.Is(err, guardian.ErrFactorDisabled) || tickets != nil || !strings.Contains(err.Error(), "sms") || !strings.Contains(err.Error(), "AllowTenantWideChange") {
			s.Fatalf("%v, %v", tickets, err)
		}
		s.wantEvent("guardian.enable", audit.Failure, "factor_disabled")
		if n := s.count("POST", "/ticket") + s.count("PUT", "/sms"); n != 0 {
			s.Errorf("%d writes at the tenant", n)
		}
		factors, err := s.service.TenantFactors(s.Context())
		if err != nil || !slices.Contains(factors, resource.Factor{Name: "sms"}) || !slices.Contains(factors, resource.Factor{Name: "otp", Enabled: true}) {
			s.Errorf("%v, %v", factors, err)
		}
		for name, f := range map[string][]guardian.Factor{
			"none": nil, "twice": {guardian.OTP, guardian.OTP}, "local": {guardian.LocalTOTP}, "recovery": {guardian.RecoveryCode}, "unknown": {"x"},
		} {
			if _, err := s.service.EnrollmentTickets(s.Context(), s.user, f...); err == nil {
				s.Errorf("%s was enabled", name)
			}
		}
	})
}

func TestEnableTurnsAFactorOnWhenAllowed(t *testing.T) {
	log := &failing{Recorder: audit.NewMemory()}
	onStage(t, guardian.Config{AllowTenantWideChange: true, Recorder: log}, func(s *stage) {
		log.down = true
		if _, err := s.service.EnrollmentTickets(s.Context(), s.user, guardian.Email); !errors.Is(err, audit.ErrNotRecorded) {
			s.Fatalf("err = %v", err)
		}
		factors, err := s.service.TenantFactors(s.Context())
		if err != nil || !slices.Contains(factors, resource.Factor{Name: "email"}) {
			s.Errorf("a change that was not recorded stays: %v, %v", factors, err)
		}
		log.down = false
		tickets, err := s.service.EnrollmentTickets(s.Context(), s.user, guardian.Email)
		if err != nil || len(tickets) != 1 {
			s.Fatalf("%v, %v", tickets, err)
		}
		events := log.Recorder.(*audit.Memory).Events()
		e := events[len(events)-2]
		if e.Action != "guardian.tenant_factor" || e.Target != (audit.Ref{Kind: "factor", ID: "email"}) || e.Outcome != audit.Success {
			s.Errorf("%+v", e)
		}
	})
}

// Ticket, enrollment on the pages of the tenant, login with a code.
func TestTicketToEnrollmentToLogin(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		s.tenant.SetFactor("otp", true)
		if err := s.login(""); err != nil {
			s.Fatalf("a login before the enrollment: %v", err)
		}
		tickets, err := s.service.EnrollmentTickets(s.Context(), s.user, guardian.OTP)
		if err != nil || len(tickets) != 1 {
			s.Fatal(err)
		}
		s.wantEvent("guardian.enable", audit.Success, "")
		secret := s.walkTicket(tickets[0].URL)
		all, err := s.service.Enrollments(s.Context(), s.user)
		if err != nil || len(all) != 1 || all[0].Factor != guardian.OTP || !all[0].Confirmed {
			s.Fatalf("enrollments %+v, %v", all, err)
		}
		if err := s.login("000000"); err == nil {
			s.Error("a login with a wrong code passed")
		}
		time.Sleep(30 * time.Second)
		if err := s.login(s.otp(secret)); err != nil {
			s.Errorf("login with the enrolled app: %v", err)
		}
		if err := s.service.Remove(s.Context(), s.user, all[0].ID); err != nil {
			s.Fatal(err)
		}
		s.wantEvent("guardian.remove", audit.Success, "")
		if all, err = s.service.Enrollments(s.Context(), s.user); err != nil || len(all) != 0 {
			s.Errorf("after the removal: %+v, %v", all, err)
		}
		if err := s.service.Remove(s.Context(), s.user, "totp|dev_gone"); !errors.Is(err, guardian.ErrNotEnrolled) {
			s.Errorf("the removal of what is not there: %v", err)
		}
	})
}

// A number that was verified elsewhere is a factor at once.
func TestRegister(t *testing.T) {
	log := &failing{Recorder: audit.NewMemory()}
	onStage(t, guardian.Config{Recorder: log}, func(s *stage) {
		ctx := s.Context()
		for f, address := range map[guardian.Factor]string{guardian.SMS: "030 123456", guardian.Email: "ada", guardian.OTP: "+4930123456", "": "x"} {
			if _, err := s.service.Register(ctx, s.user, f, address, nil); err == nil {
				s.Errorf("%s %q was registered", f, address)
			}
		}
		if _, err := s.service.Register(ctx, s.user, guardian.SMS, "+4930123456", nil); !errors.Is(err, guardian.ErrFactorDisabled) {
			s.Errorf("sms is off: %v", err)
		}
		s.tenant.SetFactor("sms", true)
		s.tenant.SetFactor("email", true)
		log.down = true
		if e, err := s.service.Register(ctx, s.user, guardian.SMS, "+4930123456", nil); !errors.Is(err, audit.ErrNotRecorded) || e != nil {
			s.Errorf("%v, %v", e, err)
		}
		log.down = false
		if all, err := s.service.Enrollments(ctx, s.user); err != nil || len(all) != 0 {
			s.Fatalf("an unrecorded factor stays: %v, %v", all, err)
		}
		e, err := s.service.Register(ctx, s.user, guardian.SMS, "+4930123456", nil)
		if err != nil || e.Factor != guardian.SMS || !e.Confirmed {
			s.Fatalf("%v, %v", e, err)
		}
		if err := s.login(""); err != nil || s.lastMessage().To != "+4930123456" {
			s.Errorf("the login goes without the number: %v", err)
		}
		if _, err := s.service.Register(ctx, s.user, guardian.Email, "ada@example.com", nil); !errors.Is(err, guardian.ErrStepUp) {
			s.Errorf("a second factor without a proof: %v", err)
		}
		r := s.request(guardian.SMS, s.mfaToken())
		c, err := s.service.Challenge(ctx, r)
		if err != nil {
			s.Fatal(err)
		}
		r.OOBCode, r.Code = c.OOBCode, s.lastMessage().Code
		proof, err := s.service.Verify(ctx, r)
		if err != nil {
			s.Fatal(err)
		}
		if _, err := s.service.Register(ctx, s.user, guardian.Email, "ada@example.com", proof); err != nil {
			s.Errorf("with a proof: %v", err)
		}
	})
}

// Auth0 allows five reads a minute per user: forty are one.
func TestEnrollmentsAreCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, guardian.Config{}, auth0test.Options{Plan: auth0test.Enterprise})
		s.tenant.Enroll(s.user, "sms", "+4930123456")
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				if all, err := s.service.Enrollments(t.Context(), s.user); err != nil || len(all) != 1 {
					t.Errorf("%v, %v", all, err)
				}
			})
		}
		wg.Wait()
		if n := s.count("GET", "/authentication-methods"); n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
		time.Sleep(time.Minute)
		if _, err := s.service.Enrollments(t.Context(), s.user); err != nil {
			t.Error(err)
		}
		if n := s.count("GET", "/authentication-methods"); n != 2 {
			t.Errorf("%d reads after a minute, want 2", n)
		}
		if err := s.service.Reset(t.Context(), s.user); err != nil {
			t.Fatal(err)
		}
		if all, err := s.service.Enrollments(t.Context(), s.user); err != nil || len(all) != 0 {
			t.Errorf("a change of our own is seen at once: %v, %v", all, err)
		}
	})
}

func TestReset(t *testing.T) {
	onStage(t, guardian.Config{MirrorTOTP: true}, func(s *stage) {
		s.tenant.SetFactor("otp", true)
		secret, codes := s.enroll(nil)
		for range 5 {
			_, err := s.verify(guardian.LocalTOTP, s.badOTP(secret))
			s.wantNo(err, guardian.ErrWrongCode)
		}
		if err := s.service.Reset(s.Context(), s.user); err != nil {
			s.Fatal(err)
		}
		s.wantEvent("guardian.reset", audit.Success, "")
		_, err := s.verify(guardian.LocalTOTP, s.otp(secret))
		s.wantNo(err, guardian.ErrNotEnrolled)
		_, err = s.verify(guardian.LocalRecovery, codes[0])
		s.wantNo(err, guardian.ErrNotEnrolled)
		if err := s.login(""); err != nil {
			s.Errorf("Auth0 asks for a factor after the reset: %v", err)
		}
		again, _ := s.enroll(nil) // The first factor again, and its delays are gone.
		s.mustVerify(again)
	})
}

// What one part refuses does not keep the others from being reset.
func TestResetInPart(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		secret, _ := s.enroll(nil)
		remove := s.tenant.Fault("DELETE /api/v2/users/{id}/authenticators", auth0test.Fault{Status: 403})
		if err := s.service.Reset(s.Context(), s.user); !errors.Is(err, resource.ErrForbidden) {
			s.Errorf("err = %v", err)
		}
		s.wantEvent("guardian.reset", audit.Failure, "error")
		remove()
		_, err := s.verify(guardian.LocalTOTP, s.otp(secret))
		s.wantNo(err, guardian.ErrNotEnrolled)
		if s.count("POST", "/invalidate-remember-browser") != 1 {
			s.Error("browsers are still remembered")
		}
		if err := s.service.InvalidateRememberedBrowsers(s.Context(), s.user); err != nil {
			s.Error(err)
		}
		s.wantEvent("guardian.forget_browsers", audit.Success, "")
	})
}

func TestWithoutADirectory(t *testing.T) {
	t.Parallel()
	s, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{newKey()}, Issuer: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, user := t.Context(), "auth0|1"
	_, e1 := s.TenantFactors(ctx)
	_, e2 := s.EnrollmentTickets(ctx, user, guardian.OTP)
	_, e3 := s.RegenerateRecoveryCode(ctx, user)
	for i, err := range []error{e1, e2, e3, s.InvalidateRememberedBrowsers(ctx, user), s.Remove(ctx, user, "totp|dev_1"), s.EnrolledAtAuth0(ctx, user)} {
		if err == nil || !strings.Contains(err.Error(), "Directory") {
			t.Errorf("verb %d: %v", i, err)
		}
	}
	if err := s.Reset(ctx, user); err != nil {
		t.Errorf("Reset of local factors: %v", err)
	}
}

func TestRunSweeps(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		if _, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil); err != nil {
			s.Fatal(err)
		}
		ctx, stop := context.WithCancel(s.Context())
		done := make(chan error)
		go func() { done <- s.service.Run(ctx) }()
		key := driver.Key{Subject: s.user, Kind: driver.KindTOTP}
		if _, err := s.store.Load(s.Context(), key); err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		if _, err := s.store.Load(s.Context(), key); !errors.Is(err, driver.ErrNoRecord) {
			s.Errorf("a pending enrollment is kept: %v", err)
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			s.Errorf("Run = %v", err)
		}
	})
}

// TestScopes: the scopes that the documentation of Directory lists are enough.
func TestScopes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage(t, guardian.Config{}, auth0test.Options{})
		machine := s.tenant.AddClient(auth0test.Application{Grants: []string{"client_credentials"}, Scopes: []string{
			"read:guardian_factors", "create:guardian_enrollment_tickets", "read:authentication_methods", "create:authentication_methods",
			"delete:authentication_methods", "delete:guardian_enrollments", "update:users", "update:guardian_factors",
		}})
		client, err := management.New(management.Config{
			Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: s.tenant.HTTPClient(),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.service, err = guardian.New(client, guardian.Config{
			Store: s.store, Keys: [][]byte{newKey()}, Issuer: "Example", MirrorTOTP: true, AllowTenantWideChange: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		secret, _ := s.enroll(nil)
		s.enroll(s.mustVerify(secret))
		if _, err := s.service.EnrollmentTickets(t.Context(), s.user, guardian.SMS); err != nil {
			t.Error(err)
		}
		if _, err := s.service.RegenerateRecoveryCode(t.Context(), s.user); err != nil {
			t.Error(err)
		}
		if err := s.service.Reset(t.Context(), s.user); err != nil {
			t.Error(err)
		}
	})
}
