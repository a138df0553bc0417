package guardian_test

import (
	"bytes"
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

// signedIn is what a session knows.
type signedIn struct {
	at  time.Time
	amr []string
}

func (s signedIn) Authentication() (time.Time, []string) { return s.at, s.amr }

// Only users who proved a second factor within five minutes may pay.
func ExampleRequireMFA() {
	session := signedIn{time.Now(), []string{"pwd"}}
	who := func(*http.Request) guardian.Authenticated { return session }
	challenge := http.RedirectHandler("/mfa/verify?to=/pay", http.StatusSeeOther)
	pay := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "paid") })
	handler := guardian.RequireMFA(5*time.Minute, who, challenge)(pay)
	for range 2 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/pay", nil))
		fmt.Printf("%d %q\n", w.Code, w.Body)
		session.amr = []string{"pwd", "mfa"} // after /mfa/verify
	}
	// Output:
	// 303 ""
	// 200 "paid"
}

// The HTML pages, behind the session's middleware.
func ExampleNewPages() {
	factors, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: exampleKeys, Issuer: "Example"})
	if err != nil {
		log.Fatal(err)
	}
	pages, err := guardian.NewPages(factors, guardian.PagesConfig{
		User: func(*http.Request) (userID, account string, err error) { return "auth0|42", "ada@example.com", nil },
		Who:  func(*http.Request) guardian.Authenticated { return signedIn{time.Now(), []string{"pwd"}} },
		OnVerified: func(w http.ResponseWriter, r *http.Request, v *guardian.Verification) error {
			return nil // session.HTTP.StepUp(w, r, v.Time, v.AMR...)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/mfa/", http.StripPrefix("/mfa", pages))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/mfa/enroll", nil))
	fmt.Println(w.Code, w.Header().Get("Cache-Control"), bytes.Contains(w.Body.Bytes(), []byte("<svg")), bytes.Contains(w.Body.Bytes(), []byte("<script")))
	// Output: 200 no-store true false
}

// The URL at which the user proves a factor at Auth0.
func ExampleStepUp_URL() {
	link, err := guardian.StepUp{
		Issuer: "https://tenant.eu.auth0.com/", ClientID: "app", RedirectURI: "https://app.example.com/callback",
		State: "state", Nonce: "nonce", CodeChallenge: "challenge",
	}.URL()
	fmt.Println(strings.ReplaceAll(link, "&", "\n  &"), err)
	// Output:
	// https://tenant.eu.auth0.com/authorize?acr_values=http%3A%2F%2Fschemas.openid.net%2Fpape%2Fpolicies%2F2007%2F06%2Fmulti-factor
	//   &client_id=app
	//   &code_challenge=challenge
	//   &code_challenge_method=S256
	//   &max_age=0
	//   &nonce=nonce
	//   &redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback
	//   &response_type=code
	//   &scope=openid
	//   &state=state <nil>
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
