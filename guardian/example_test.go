package guardian_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
)

// exampleKeys stands for 32 random bytes from a vault.
var exampleKeys = [][]byte{[]byte("an example of a key with 32 byte")}

// noon is the time of the examples.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// app is what the authenticator app on a phone shows.
func app(secret string, at time.Time) string {
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		log.Fatal(err)
	}
	return code
}

// An authenticator app, from its QR code to a proof that works once.
func Example() {
	ctx := context.Background()
	now := noon
	events := audit.NewMemory()
	factors, err := guardian.New(nil, guardian.Config{
		Store: guardian.NewMemory(), Keys: exampleKeys, Issuer: "Example", Recorder: events,
		Now: func() time.Time { return now },
	})
	if err != nil {
		log.Fatal(err)
	}
	key, err := factors.EnrollTOTP(ctx, "auth0|42", "ada@example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	codes, err := factors.ConfirmTOTP(ctx, "auth0|42", app(key.Secret(), now))
	fmt.Println(key, len(codes), "recovery codes", err)

	now = now.Add(time.Minute)
	r := guardian.Request{UserID: "auth0|42", Factor: guardian.LocalTOTP, Code: app(key.Secret(), now)}
	proof, err := factors.Verify(ctx, r)
	fmt.Println(proof.AMR, err)
	_, err = factors.Verify(ctx, r)
	fmt.Println(err, errors.Is(err, guardian.ErrReplayed))
	fmt.Println(events.Actions())
	// Output:
	// guardian.TOTPKey{…} 10 recovery codes <nil>
	// [mfa otp] <nil>
	// guardian: code was used before true
	// [guardian.enroll guardian.confirm guardian.verify guardian.verify]
}

// A factor that is off for the tenant is an error and stays off.
func ExampleService_EnrollmentTickets() {
	ctx := context.Background()
	tenant := auth0test.NewTenant(auth0test.Options{})
	ada := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	factors, err := guardian.New(tenant.Management(), guardian.Config{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = factors.EnrollmentTickets(ctx, ada, guardian.Push)
	fmt.Println(err)
	tenant.SetFactor("push-notification", true) // what somebody does in the dashboard
	tickets, err := factors.EnrollmentTickets(ctx, ada, guardian.Push)
	fmt.Println(strings.HasPrefix(tickets[0].URL, "https://"), err)
	// Output:
	// guardian: factor is off for the whole tenant: push-notification; turn it on under Security, Multi-factor Auth, or set Config.AllowTenantWideChange
	// true <nil>
}

// The first factor needs a session; every other one needs a proof.
func ExampleService_EnrollTOTP() {
	ctx := context.Background()
	now := noon
	factors, err := guardian.New(nil, guardian.Config{
		Store: guardian.NewMemory(), Keys: exampleKeys, Issuer: "Example", Now: func() time.Time { return now },
	})
	if err != nil {
		log.Fatal(err)
	}
	key, err := factors.EnrollTOTP(ctx, "auth0|42", "ada@example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := factors.ConfirmTOTP(ctx, "auth0|42", app(key.Secret(), now)); err != nil {
		log.Fatal(err)
	}
	_, err = factors.EnrollTOTP(ctx, "auth0|42", "ada@example.com", nil)
	fmt.Println(err)
	now = now.Add(time.Minute)
	proof, err := factors.Verify(ctx, guardian.Request{UserID: "auth0|42", Factor: guardian.LocalTOTP, Code: app(key.Secret(), now)})
	if err != nil {
		log.Fatal(err)
	}
	next, err := factors.EnrollTOTP(ctx, "auth0|42", "ada@example.com", proof)
	fmt.Println(next, err)
	// Output:
	// guardian: proof of a second factor is needed
	// guardian.TOTPKey{…} <nil>
}

// After five wrong codes, attempts are refused for a while.
func ExampleService_Verify() {
	ctx := context.Background()
	now := noon
	factors, err := guardian.New(nil, guardian.Config{
		Store: guardian.NewMemory(), Keys: exampleKeys, Issuer: "Example", Now: func() time.Time { return now },
	})
	if err != nil {
		log.Fatal(err)
	}
	key, err := factors.EnrollTOTP(ctx, "auth0|42", "ada@example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := factors.ConfirmTOTP(ctx, "auth0|42", app(key.Secret(), now)); err != nil {
		log.Fatal(err)
	}
	for range 6 {
		_, err = factors.Verify(ctx, guardian.Request{UserID: "auth0|42", Factor: guardian.LocalTOTP, Code: app(key.Secret(), now.Add(time.Hour))})
		if no, is := errors.AsType[*guardian.VerifyError](err); is {
			fmt.Println(no, "left:", no.AttemptsLeft)
		}
	}
	// Output:
	// guardian: wrong code left: 99
	// guardian: wrong code left: 98
	// guardian: wrong code left: 97
	// guardian: wrong code left: 96
	// guardian: wrong code; retry after 30s left: 95
	// guardian: too many attempts; wait; retry after 30s left: 95
}

// phone is Ada's: it refuses what it is asked while the application waits.
type phone struct{ tenant *auth0test.Tenant }

func (p phone) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/oauth/token" {
		push := p.tenant.Outbox()[0]
		fmt.Println("the phone shows:", push.Text)
		if err := push.Deny(); err != nil {
			return nil, err
		}
	}
	return p.tenant.HTTPClient().Transport.RoundTrip(r)
}

// A verifier for logins that stopped with mfa_required.
func ExampleNewMFA() {
	app := guardian.AuthAPI{Domain: "tenant.eu.auth0.com/login", ClientID: "app"}
	_, err := guardian.NewMFA(app)
	fmt.Println(err != nil)

	app.Domain = "https://Tenant.eu.auth0.com/" // any spelling of the domain alone
	mfa, err := guardian.NewMFA(app)
	fmt.Println(mfa != nil, err)
	// Output:
	// true
	// true <nil>
}

// A push with a message, to a user without a session here.
func ExampleNewCIBA() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	web := tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	ada := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	tenant.Enroll(ada, "push-notification", "")
	ciba, err := guardian.NewCIBA(guardian.AuthAPI{
		Domain: auth0test.DefaultDomain, ClientID: web.ID, ClientSecret: web.Secret,
		HTTPClient: &http.Client{Transport: phone{tenant}},
	})
	if err != nil {
		log.Fatal(err)
	}
	factors, err := guardian.New(nil, guardian.Config{
		Verifiers: map[guardian.Factor]guardian.Verifier{guardian.Push: ciba},
	})
	if err != nil {
		log.Fatal(err)
	}
	r := guardian.Request{UserID: ada, Factor: guardian.Push, Message: "Pay 10.00 EUR to ACME"}
	_, err = factors.Verify(context.Background(), r)
	fmt.Println(err)
	// Output:
	// the phone shows: Pay 10.00 EUR to ACME
	// guardian: refused on the device
}

// A payment needs a second factor that is five minutes old at most; others are sent
// to the pages.
func ExampleRequireMFA() {
	login := session.Login{UserID: "auth0|42", AuthTime: time.Now(), AMR: []string{"pwd"}}
	challenge := func(w http.ResponseWriter, r *http.Request) { // or pages.StepUp
		http.Redirect(w, r, "/mfa/verify?to=/pay", http.StatusSeeOther)
	}
	pay := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "paid") })
	handler := guardian.RequireMFA(5*time.Minute, challenge)(pay)
	for range 2 {
		w := httptest.NewRecorder()
		ctx := session.NewContext(context.Background(), login) // as session.HTTP.Load does
		handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/pay", nil))
		fmt.Printf("%d %q\n", w.Code, w.Body)
		login.AMR = []string{"pwd", "mfa"} // after /mfa/verify
	}
	// Output:
	// 303 ""
	// 200 "paid"
}

// An API says by RFC 9470 what is missing.
func ExampleRequire() {
	handler := guardian.Require(guardian.PhishingResistant, 5*time.Minute, nil)(http.NotFoundHandler())
	w := httptest.NewRecorder()
	ctx := session.NewContext(context.Background(), session.Login{UserID: "auth0|42", AuthTime: time.Now(), AMR: []string{"pwd", "otp", "mfa"}})
	handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/payouts", nil))
	fmt.Println(w.Code)
	fmt.Println(strings.ReplaceAll(w.Header().Get("WWW-Authenticate"), ", ", ",\n "))
	// Output:
	// 401
	// Bearer error="insufficient_user_authentication",
	//  error_description="a fresher or stronger authentication is needed",
	//  acr_values="http://schemas.openid.net/pape/policies/2007/06/phishing-resistant",
	//  max_age="300"
}

// The HTML pages, behind the session's middleware.
func ExampleNewPages() {
	sessions, err := session.New(session.NewMemory(), session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	web, err := session.NewHTTP(sessions, session.HTTPConfig{})
	if err != nil {
		log.Fatal(err)
	}
	factors, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: exampleKeys, Issuer: "Example"})
	if err != nil {
		log.Fatal(err)
	}
	pages, err := guardian.NewPages(factors, web, guardian.PagesConfig{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/mfa/", web.Require(pages))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/mfa/", nil))
	fmt.Println(w.Code, w.Header().Get("Cache-Control"))
	// Output: 401 no-store
}

// The page "verify" alone, for a login that waits: give it the Held of
// session/login in place of the sessions.
func ExampleNewVerifyPages() {
	factors, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: exampleKeys, Issuer: "Example"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = guardian.NewVerifyPages(factors, nil, guardian.PagesConfig{Path: "/verify"})
	fmt.Println(err)
	// Output: guardian: NewVerifyPages needs a Browser; it is nil
}

// Recovery codes are replaced one by one as they are used.
func ExampleService_RenewRecoveryCodes() {
	ctx := context.Background()
	factors, err := guardian.New(nil, guardian.Config{
		Store: guardian.NewMemory(), Keys: exampleKeys, Issuer: "Example", Now: func() time.Time { return noon },
	})
	if err != nil {
		log.Fatal(err)
	}
	key, err := factors.EnrollTOTP(ctx, "auth0|42", "ada@example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	codes, err := factors.ConfirmTOTP(ctx, "auth0|42", app(key.Secret(), noon))
	if err != nil {
		log.Fatal(err)
	}
	proof, err := factors.Verify(ctx, guardian.Request{UserID: "auth0|42", Factor: guardian.LocalRecovery, Code: codes[0]})
	fmt.Println(proof.Factor, proof.NewRecoveryCode != "", err)
	fresh, err := factors.RenewRecoveryCodes(ctx, "auth0|42", proof)
	fmt.Println(len(fresh), err)
	// Output:
	// local-recovery true <nil>
	// 10 <nil>
}
