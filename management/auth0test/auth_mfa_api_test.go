package auth0test_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auth0/go-auth0/authentication"
	"github.com/auth0/go-auth0/authentication/ciba"
	"github.com/auth0/go-auth0/authentication/mfa"
	"github.com/auth0/go-auth0/authentication/oauth"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

const mfaAudience = home + "mfa/"

// sdk is Auth0's own client of the Authentication API.
func (s scene) sdk(t testing.TB) *authentication.Authentication {
	t.Helper()
	a, err := authentication.New(t.Context(), auth0test.DefaultDomain, authentication.WithClientID(s.app.ID),
		authentication.WithClientSecret(s.app.Secret), authentication.WithClient(s.HTTPClient()))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mfaToken logs in by password as far as the second factor.
func (s scene) mfaToken(t testing.TB) string {
	t.Helper()
	_, err := s.sdk(t).OAuth.LoginWithPassword(t.Context(), oauth.LoginWithPasswordRequest{
		Username: "ada@example.com", Password: "correct horse", Realm: auth0test.DefaultConnection, Scope: "openid offline_access",
	}, oauth.IDTokenValidationOptions{})
	e, is := errors.AsType[*authentication.Error](err)
	if !is || e.Status() != 403 || e.Err != "mfa_required" || e.Message != "Multifactor authentication required" || e.GetMFAToken() == "" {
		t.Fatalf("no mfa_required: %v", err)
	}
	return e.GetMFAToken()
}

// refusal is what an error of the SDK says.
func refusal(err error) string {
	if e, is := errors.AsType[*authentication.Error](err); is {
		return http.StatusText(e.StatusCode) + " " + e.Err + " " + e.Message
	}
	return "no error of Auth0"
}

func wantRefusal(t testing.TB, err error, want string) {
	t.Helper()
	if got := refusal(err); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMFAAPIWithOTP(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.SetMFAPolicies("all-applications")
	s.SetFactor("otp", true)
	s.SetFactor("recovery-code", true)
	api, token := s.sdk(t).MFA, s.mfaToken(t)
	verify := func(token, otp string) (*oauth.TokenSet, error) {
		return api.VerifyWithOTP(t.Context(), mfa.VerifyWithOTPRequest{MFAToken: token, OTP: otp})
	}
	_, err := verify(token, "000000")
	wantRefusal(t, err, "Unauthorized unsupported_challenge_type User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.")
	added, err := api.AddAuthenticator(t.Context(), token, mfa.AddAuthenticatorRequest{AuthenticatorTypes: []string{"otp"}})
	if err != nil || added.Secret == "" || len(added.RecoveryCodes) != 1 || !strings.HasPrefix(added.BarcodeURI, "otpauth://totp/") {
		t.Fatalf("added %+v, %v", added, err)
	}
	_, err = verify(token, "000000")
	wantRefusal(t, err, "Forbidden invalid_grant Invalid otp_code.")
	set, err := verify(token, s.OTP(added.Secret))
	if err != nil {
		t.Fatal(err)
	}
	if id := claims(t, s.Tenant, set.IDToken); id["amr"] != nil {
		t.Errorf("a token of the MFA API has amr: %v", id)
	}
	_, err = verify(token, s.OTP(added.Secret))
	wantRefusal(t, err, "Unauthorized invalid_grant Malformed mfa_token")

	token = s.mfaToken(t)
	_, err = api.AddAuthenticator(t.Context(), token, mfa.AddAuthenticatorRequest{AuthenticatorTypes: []string{"otp"}})
	wantRefusal(t, err, "Forbidden access_denied User is already enrolled.")
	challenge, err := api.Challenge(t.Context(), mfa.ChallengeRequest{MFAToken: token, ChallengeType: "otp"})
	if err != nil || challenge.ChallengeType != "otp" {
		t.Errorf("challenge %+v, %v", challenge, err)
	}
	list, err := api.ListAuthenticators(t.Context(), token)
	if err != nil || len(list) != 2 || !list[0].Active || list[0].AuthenticatorType != "otp" || list[1].AuthenticatorType != "recovery-code" {
		t.Errorf("authenticators %+v, %v", list, err)
	}
	recovered, err := api.VerifyWithRecoveryCode(t.Context(), mfa.VerifyWithRecoveryCodeRequest{MFAToken: token, RecoveryCode: added.RecoveryCodes[0]})
	if err != nil || len(recovered.RecoveryCode) != 24 || recovered.RecoveryCode == added.RecoveryCodes[0] || recovered.AccessToken == "" {
		t.Errorf("recovered %+v, %v", recovered, err)
	}
	token = s.mfaToken(t)
	s.Advance(10 * time.Minute)
	_, err = verify(token, s.OTP(added.Secret))
	wantRefusal(t, err, "Unauthorized expired_token mfa_token is expired")
}

func TestMFARequirementsNameTheFactors(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.SetMFAPolicies("all-applications")
	s.SetFactor("sms", true)
	s.SetFactor("push-notification", true)
	form := []string{"grant_type", "password", "client_id", s.app.ID, "client_secret", s.app.Secret, "username", "ada@example.com", "password", "correct horse"}
	_, body := exchange(t, s.Tenant, form...)
	types := func(of string) (out []string) {
		need, _ := body["mfa_requirements"].(object)
		list, _ := need[of].([]any)
		for _, e := range list {
			out = append(out, e.(object)["type"].(string))
		}
		return out
	}
	if got := types("enroll"); !slices.Equal(got, []string{"phone", "push-notification"}) || types("challenge") != nil {
		t.Errorf("requirements %v", body)
	}
	s.Enroll(s.ada, "sms", "+4930123456")
	s.Enroll(s.ada, "recovery-code", "")
	_, body = exchange(t, s.Tenant, form...)
	if got := types("challenge"); !slices.Equal(got, []string{"phone", "recovery-code"}) || types("enroll") != nil {
		t.Errorf("requirements %v", body)
	}
}

func TestMFAAPIWithCodesAndPushes(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.Enroll(s.ada, "sms", "+4930123456")
	api, token := s.sdk(t).MFA, s.mfaToken(t)
	_, err := api.Challenge(t.Context(), mfa.ChallengeRequest{MFAToken: token, ChallengeType: "otp"})
	if !strings.HasPrefix(refusal(err), "Unauthorized unsupported_challenge_type") {
		t.Errorf("challenge of a factor that is not there: %v", err)
	}
	challenge, err := api.Challenge(t.Context(), mfa.ChallengeRequest{MFAToken: token, ChallengeType: "oob"})
	if err != nil || challenge.BindingMethod != "prompt" || challenge.OOBCode == "" {
		t.Fatalf("challenge %+v, %v", challenge, err)
	}
	sent := s.Outbox()
	last := sent[len(sent)-1]
	if last.Channel != "sms" || last.To != "+4930123456" || len(last.Code) != 6 {
		t.Fatalf("message %+v", last)
	}
	verify := func(oob, code string) (*oauth.TokenSet, error) {
		return api.VerifyWithOOB(t.Context(), mfa.VerifyWithOOBRequest{MFAToken: token, OOBCode: oob, BindingCode: code})
	}
	_, err = verify("x", last.Code)
	wantRefusal(t, err, "Forbidden invalid_grant Malformed oob_code")
	_, err = verify(challenge.OOBCode, "0")
	wantRefusal(t, err, "Forbidden invalid_grant Invalid binding_code.")
	if _, err = verify(challenge.OOBCode, last.Code); err != nil {
		t.Error(err)
	}

	p := newScene(auth0test.Options{})
	p.Enroll(p.ada, "push-notification", "")
	api = p.sdk(t).MFA
	for _, approve := range []bool{false, true} {
		token = p.mfaToken(t)
		challenge, err = api.Challenge(t.Context(), mfa.ChallengeRequest{MFAToken: token, ChallengeType: "oob"})
		if err != nil || challenge.BindingMethod != "" {
			t.Fatalf("challenge %+v, %v", challenge, err)
		}
		_, err = verify(challenge.OOBCode, "")
		wantRefusal(t, err, "Bad Request authorization_pending Authorization pending: please repeat the request in a few seconds.")
		sent := p.Outbox()
		answer := sent[len(sent)-1].Deny
		if approve {
			answer = sent[len(sent)-1].Approve
		}
		if err := answer(); err != nil {
			t.Fatal(err)
		}
		if err := answer(); !errors.Is(err, auth0test.ErrAnswered) {
			t.Errorf("a second answer: %v", err)
		}
		_, err = verify(challenge.OOBCode, "")
		if !approve {
			wantRefusal(t, err, "Bad Request access_denied MFA Authorization rejected.")
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestMFAPollingIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.Enroll(s.ada, "push-notification", "")
	token := s.mfaToken(t)
	_, body := post(t, s.Tenant, "mfa/challenge", "mfa_token", token, "client_id", s.app.ID, "client_secret", s.app.Secret, "challenge_type", "oob")
	form := values("grant_type", "http://auth0.com/oauth/grant-type/mfa-oob", "mfa_token", token, "client_id", s.app.ID,
		"client_secret", s.app.Secret, "oob_code", text(t, body, "oob_code"))
	for i := range 14 {
		res, err := s.HTTPClient().PostForm(home+"oauth/token", form)
		if err != nil {
			t.Fatal(err)
		}
		_, body := answer(t, res)
		if want := map[bool]string{false: "authorization_pending", true: "slow_down"}[i >= 12]; body["error"] != want {
			t.Fatalf("poll %d: %v", i, body)
		}
		if slow := i >= 12; slow != (res.Header.Get("Retry-After") != "") {
			t.Errorf("poll %d: Retry-After %q", i, res.Header.Get("Retry-After"))
		}
	}
}

func TestGuessingCodesIsLimited(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	secret := s.Enroll(s.ada, "otp", "")
	try := func(code string) (int, object) {
		return exchange(t, s.Tenant, "grant_type", "http://auth0.com/oauth/grant-type/mfa-otp", "mfa_token", s.mfaToken(t),
			"client_id", s.app.ID, "client_secret", s.app.Secret, "otp", code)
	}
	for range 10 {
		try("12345x")
	}
	status, body := try(s.OTP(secret))
	wantError(t, status, body, 429, "too_many_attempts", "Too many failed codes. Wait for some minutes before retrying.")
	s.Advance(6 * time.Minute)
	if status, body := try(s.OTP(secret)); status != 200 {
		t.Errorf("after six minutes: %d %v", status, body)
	}
}

func TestManagingFactorsByAccessToken(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.SetFactor("otp", true)
	set, err := s.sdk(t).OAuth.LoginWithPassword(t.Context(), oauth.LoginWithPasswordRequest{
		Username: "ada@example.com", Password: "correct horse", Audience: mfaAudience, Scope: "enroll read:authenticators remove:authenticators",
	}, oauth.IDTokenValidationOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if set.ExpiresIn != 600 {
		t.Errorf("the token lives %d s", set.ExpiresIn)
	}
	api := s.sdk(t).MFA
	added, err := api.AddAuthenticator(t.Context(), set.AccessToken, mfa.AddAuthenticatorRequest{AuthenticatorTypes: []string{"otp"}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := api.ListAuthenticators(t.Context(), set.AccessToken)
	if err != nil || len(list) != 1 || list[0].Active {
		t.Fatalf("pending authenticators %+v, %v", list, err)
	}
	if _, err := api.VerifyWithOTP(t.Context(), mfa.VerifyWithOTPRequest{MFAToken: set.AccessToken, OTP: s.OTP(added.Secret)}); err != nil {
		t.Fatal(err)
	}
	list, err = api.ListAuthenticators(t.Context(), set.AccessToken)
	if err != nil || len(list) != 1 || !list[0].Active {
		t.Fatalf("confirmed authenticators %+v, %v", list, err)
	}
	if err := api.DeleteAuthenticator(t.Context(), set.AccessToken, list[0].ID); err != nil {
		t.Error(err)
	}
	wantRefusal(t, api.DeleteAuthenticator(t.Context(), set.AccessToken, list[0].ID), "Not Found invalid_request Authenticator not found.")
	_, err = api.ListAuthenticators(t.Context(), "nothing")
	wantRefusal(t, err, "Unauthorized invalid_grant Malformed mfa_token")
}

func TestCIBA(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	hint := map[string]string{"format": "iss_sub", "iss": home, "sub": s.ada}
	start := func(scope string, hint map[string]string) (*ciba.Response, error) {
		return s.sdk(t).CIBA.Initiate(t.Context(), ciba.Request{Scope: scope, LoginHint: hint, BindingMessage: "Pay 100 EUR?"})
	}
	_, err := start("email", hint)
	wantRefusal(t, err, "Bad Request invalid_request openid scope must be requested")
	_, err = start("openid", map[string]string{"format": "iss_sub", "iss": home, "sub": "auth0|nobody"})
	wantRefusal(t, err, "Bad Request unknown_user_id User ID is malformed or unknown")
	_, err = start("openid", hint)
	wantRefusal(t, err, "Bad Request access_denied The user is not enrolled in push notifications")
	s.Enroll(s.ada, "push-notification", "")
	poll := func(id string) (int, object) {
		return exchange(t, s.Tenant, "grant_type", "urn:openid:params:grant-type:ciba", "auth_req_id", id, "client_id", s.app.ID, "client_secret", s.app.Secret)
	}
	for _, approve := range []bool{true, false} {
		r, err := start("openid email", hint)
		if err != nil || r.ExpiresIn != 300 || r.Interval != 5 {
			t.Fatalf("started %+v, %v", r, err)
		}
		status, body := poll(r.AuthReqID)
		wantError(t, status, body, 400, "authorization_pending", "The end-user authorization is pending")
		status, body = poll(r.AuthReqID)
		wantError(t, status, body, 400, "slow_down", "You are polling faster than allowed. Try again in 10 seconds.")
		sent := s.Outbox()
		push := sent[len(sent)-1]
		if push.Text != "Pay 100 EUR?" {
			t.Errorf("push %+v", push)
		}
		s.Advance(10 * time.Second)
		if !approve {
			if err := push.Deny(); err != nil {
				t.Fatal(err)
			}
			status, body = poll(r.AuthReqID)
			wantError(t, status, body, 400, "access_denied", "The end-user denied the authorization request or it has been expired")
			continue
		}
		if err := push.Approve(); err != nil {
			t.Fatal(err)
		}
		status, body = poll(r.AuthReqID)
		if status != 200 || claims(t, s.Tenant, text(t, body, "id_token"))["sub"] != s.ada {
			t.Errorf("got %d %v", status, body)
		}
		status, body = poll(r.AuthReqID)
		wantError(t, status, body, 400, "invalid_grant", "Invalid or expired auth_req_id")
	}
}

func TestSDKLogsInByPassword(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	api := s.sdk(t)
	set, err := api.OAuth.LoginWithPassword(t.Context(), oauth.LoginWithPasswordRequest{
		Username: "ada@example.com", Password: "correct horse", Scope: "openid profile email",
	}, oauth.IDTokenValidationOptions{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := api.UserInfo(t.Context(), set.AccessToken)
	if err != nil || info.Sub != s.ada || info.Email != "ada@example.com" || info.Name != "Ada" {
		t.Errorf("user info %+v, %v", info, err)
	}
	org := s.AddOrganization("acme")
	s.AddMember(org, s.ada)
	code := s.code(t, s.browser(), "organization", org, "nonce", "n1", "max_age", "60")
	if _, err = api.OAuth.LoginWithAuthCode(t.Context(), oauth.LoginWithAuthCodeRequest{Code: code, RedirectURI: callback},
		oauth.IDTokenValidationOptions{Nonce: "n1", Organization: org, MaxAge: time.Minute}); err != nil {
		t.Error(err)
	}
	s.AddUser(resource.User{Email: "bob@example.com"}, "x")
	_, err = api.OAuth.LoginWithPassword(t.Context(), oauth.LoginWithPasswordRequest{Username: "bob@example.com", Password: "y"}, oauth.IDTokenValidationOptions{})
	wantRefusal(t, err, "Forbidden invalid_grant Wrong email or password.")
}
