package guardian_test

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/management/auth0test"
)

// paper is everything that a program would write down: events, and every value
// and error that it logs carelessly.
type paper struct {
	*testing.T
	mu      sync.Mutex
	text    bytes.Buffer
	secrets map[string]string // What it is, by itself.
}

// write logs values in all the ways in which programs do.
func (p *paper) write(values ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&p.text, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&p.text, nil)).Info("text", "value", v)
		slog.New(slog.NewJSONHandler(&p.text, nil)).Info("json", "value", v)
		if err, is := v.(error); is {
			fmt.Fprintln(&p.text, err.Error(), fmt.Errorf("login: %w", err))
		}
	}
}

// secret remembers what must not be found.
func (p *paper) secret(what, value string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(value) < 6 {
		p.Fatalf("%s is too short to be looked for", what)
	}
	p.secrets[value] = what
	return value
}

// search looks for the secrets, also in hexadecimal and escaped.
func (p *paper) search() {
	all := p.text.String()
	for value, what := range p.secrets {
		for _, form := range []string{value, fmt.Sprintf("%x", value), url.QueryEscape(value), strings.ReplaceAll(value, "-", "")} {
			if strings.Contains(all, form) {
				at := strings.Index(all, form)
				p.Errorf("%s was written: …%s…", what, all[max(0, at-80):at])
			}
		}
	}
}

// TestNothingLeaks runs every verb, well and badly, and greps everything written
// for secrets, codes, tickets and phone numbers.
func TestNothingLeaks(t *testing.T) {
	p := &paper{T: t, secrets: make(map[string]string)}
	onStage(t, guardian.Config{MirrorTOTP: true}, func(s *stage) {
		p.T = s.T
		p.secret("the client secret", s.app.Secret)
		p.write(s.api(), &guardian.Config{})
		for _, f := range []string{"otp", "sms", "email", "push-notification", "recovery-code"} {
			s.tenant.SetFactor(f, true)
		}
		leakLocal(s, p)
		leakAuth0(s, p)
		leakFailures(s, p)
		events, err := json.Marshal(s.log.Events())
		if err != nil {
			s.Fatal(err)
		}
		p.text.Write(events)
		p.search()
		if n := len(s.log.Events()); n < 25 || len(p.secrets) < 30 {
			s.Errorf("only %d events and %d secrets", n, len(p.secrets))
		}
	})
}

func leakLocal(s *stage, p *paper) {
	s.Helper()
	key, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil)
	if err != nil {
		s.Fatal(err)
	}
	secret := p.secret("the seed", key.Secret())
	p.secret("the seed in groups", key.Grouped())
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		s.Fatal(err)
	}
	p.secret("the seed in bytes", string(raw))
	p.secret("the otpauth URL", key.URL())
	p.write(key, *key)
	_, err = s.service.ConfirmTOTP(s.Context(), s.user, p.secret("a wrong code", s.badOTP(secret)+"0"))
	p.write(err)
	codes, err := s.service.ConfirmTOTP(s.Context(), s.user, p.secret("the first code", s.otp(secret)))
	if err != nil {
		s.Fatal(err)
	}
	for _, c := range codes {
		p.secret("a recovery code", c)
	}
	time.Sleep(time.Minute)
	for range 8 { // Right, replayed, and then throttled.
		time.Sleep(2 * time.Second)
		r := guardian.Request{UserID: s.user, Factor: guardian.LocalTOTP, Code: p.secret("a code", s.otp(secret))}
		v, err := s.service.Verify(s.Context(), r)
		p.write(r, &r, v, err)
		r.Code = p.secret("a wrong code", s.badOTP(secret))
		_, err = s.service.Verify(s.Context(), r)
		p.write(err)
	}
	for _, c := range []string{codes[0], codes[0], "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-A"} {
		r := guardian.Request{UserID: s.user, Factor: guardian.LocalRecovery, Code: p.secret("a recovery code", c)}
		v, err := s.service.Verify(s.Context(), r)
		p.write(r, v, err)
		if v != nil {
			p.secret("a new recovery code", v.NewRecoveryCode)
			p.write(*v)
			fresh, err := s.service.RenewRecoveryCodes(s.Context(), s.user, v)
			p.write(err)
			for _, c := range fresh {
				p.secret("a recovery code", c)
			}
		}
	}
	for _, kind := range []driver.Kind{driver.KindTOTP, driver.KindRecovery} {
		r, err := s.store.Load(s.Context(), driver.Key{Subject: s.user, Kind: kind})
		if err != nil {
			s.Fatal(err)
		}
		p.write(r)
		p.text.Write(r.Data) // What a copy of the database shows.
	}
}

func leakAuth0(s *stage, p *paper) {
	s.Helper()
	tickets, err := s.service.EnrollmentTickets(s.Context(), s.user, guardian.SMS, guardian.OTP)
	if err != nil {
		s.Fatal(err)
	}
	for _, ticket := range tickets {
		p.secret("the id of a ticket", ticket.ID)
		p.secret("the URL of a ticket", ticket.URL)
		fmt.Fprintf(&p.text, "%v %+v %#v", ticket, &ticket, ticket) // A ticket is of package resource, which hides it from fmt.
	}
	s.tenant.Enroll(s.user, "sms", p.secret("a phone number", "+4930123456"))
	p.secret("digits of a phone number", "30123456")
	s.tenant.Enroll(s.user, "push-notification", "")
	s.tenant.Enroll(s.user, "recovery-code", "")
	all, err := s.service.Enrollments(s.Context(), s.user)
	p.write(all, err)
	for _, f := range []guardian.Factor{guardian.SMS, guardian.RecoveryCode, guardian.Push, guardian.OTP} {
		r := s.request(f, p.secret("an mfa_token", s.mfaToken()))
		switch f {
		case guardian.SMS:
			c, err := s.service.Challenge(s.Context(), r)
			if err != nil {
				s.Fatal(err)
			}
			p.secret("an oob_code", c.OOBCode)
			p.write(c, *c)
			r.OOBCode, r.Code = c.OOBCode, p.secret("a code by text message", s.lastMessage().Code)
		case guardian.RecoveryCode:
			code, err := s.service.RegenerateRecoveryCode(s.Context(), s.user)
			p.write(err)
			r.Code = p.secret("Auth0's recovery code", code)
		case guardian.Push:
			s.answer(time.Second, auth0test.Message.Approve)
		case guardian.OTP:
			r.Code = p.secret("a wrong code", "000001")
		}
		v, err := s.service.Verify(s.Context(), r)
		p.write(r, v, err)
		if v != nil {
			p.secret("an access token", v.Tokens.Access)
			p.secret("an ID token", v.Tokens.ID)
			p.write(v.Tokens, *v.Tokens)
		}
		if v != nil && v.NewRecoveryCode != "" {
			p.secret("Auth0's next recovery code", v.NewRecoveryCode)
		}
	}
	_, err = s.service.Register(s.Context(), s.user, guardian.SMS, p.secret("a third phone number", "+4930777666"), nil)
	p.write(err)
	a, err := s.service.Associate(s.Context(), s.user, s.mfaToken(), guardian.SMS, p.secret("another phone number", "+4930999888"))
	p.write(a, err)
}

// leakFailures lets Auth0 fail: its texts echo what was sent.
func leakFailures(s *stage, p *paper) {
	s.Helper()
	token := s.mfaToken()
	for _, status := range []int{400, 401, 403, 404, 429, 500} {
		remove := s.tenant.Fault("POST /oauth/token", auth0test.Fault{Status: status})
		r := s.request(guardian.OTP, p.secret("an mfa_token", token))
		r.Code = p.secret("a code", "246802")
		_, err := s.service.Verify(s.Context(), r)
		p.write(err)
		remove()
	}
	for _, route := range []string{"POST /api/v2/guardian/enrollments/ticket", "POST /api/v2/users/{id}/recovery-code-regeneration", "DELETE /api/v2/users/{id}/authenticators"} {
		remove := s.tenant.Fault(route, auth0test.Fault{Status: 400})
		_, e1 := s.service.EnrollmentTickets(s.Context(), s.user, guardian.OTP)
		_, e2 := s.service.RegenerateRecoveryCode(s.Context(), s.user)
		p.write(e1, e2, s.service.Reset(s.Context(), s.user))
		remove()
	}
	if got := s.log.Events(); got[0].Outcome == audit.Unknown {
		s.Error("an event has no outcome")
	}
}
