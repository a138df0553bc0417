package risk_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/risk"
)

// An export is read in each of its forms, and one that ends in the middle is an error.
func TestReadAuth0Logs(t *testing.T) {
	t.Parallel()
	const one = `{"log_id":"9001","date":"2026-03-02T08:00:00.000Z","type":"s","user_id":"auth0|ada","ip":"81.2.69.10"}`
	const two = `{"log_id":"9002","data":{"date":"2026-03-02T09:00:00.000Z","type":"fp","user_id":"auth0|ada"}}`
	for in, want := range map[string]string{
		one + "\n" + two + "\n":          "9001 s auth0|ada allowed, 9002 fp auth0|ada refused",
		"\n [" + one + ",\n" + two + "]": "9001 s auth0|ada allowed, 9002 fp auth0|ada refused",
		"":                               "", "[]": "",
		one + "{":             "9001 s auth0|ada allowed, error",
		"[" + one:             "9001 s auth0|ada allowed, error",
		"[" + one + ",":       "9001 s auth0|ada allowed, error",
		one + "]":             "9001 s auth0|ada allowed, error",
		`{"date":"today"}`:    "error",
		"log_id,date,type\n1": "error",
	} {
		var got []string
		for entry, err := range risk.ReadAuth0Logs(strings.NewReader(in)) {
			if err != nil {
				got = append(got, "error")
				continue
			}
			for p, err := range risk.FromAuth0(entries(entry)) {
				require.NoError(t, err)
				got = append(got, fmt.Sprint(entry.ID, " ", entry.Type, " ", p.Login.UserID, " ", p.Outcome))
			}
		}
		assert.Equal(t, want, strings.Join(got, ", "), in)
	}
}

func TestParseAction(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	event := `{"user":{"user_id":"auth0|ada","email":"ada@example.com"},"session":{"id":"sid"},
		"request":{"ip":"81.2.69.10","user_agent":"Firefox","geoip":{"countryCode":"NO","latitude":59.9,"longitude":10.7,"timeZone":"Europe/Oslo"}},
		"authentication":{"methods":[{"name":"pwd","timestamp":"2026-03-02T07:59:00.000Z"},{"name":"mfa","timestamp":"%s"}],
		"riskAssessment":{"confidence":"low","assessments":{"NewDevice":{"confidence":"low","code":"no_match"}}}}}`
	got, err := risk.ParseAction([]byte(fmt.Sprintf(event, "2026-03-02T07:59:30.000Z")), now)
	require.NoError(t, err)
	assert.Equal(t, risk.Login{
		Email: "ada@example.com", SessionID: "sid", MFA: true, Auth0: map[string]string{"NewDevice": "low"},
		Attempt: anomaly.Attempt{
			UserID: "auth0|ada", Time: now, IP: netip.MustParseAddr("81.2.69.10"), UserAgent: "Firefox",
			Place: &anomaly.Place{Country: "NO", Lat: 59.9, Lon: 10.7, Zone: "Europe/Oslo"},
		},
	}, got)
	for _, old := range []string{"2026-03-02T07:00:00.000Z", "2026-03-02T09:00:00.000Z"} {
		got, err = risk.ParseAction([]byte(fmt.Sprintf(event, old)), now)
		require.NoError(t, err)
		assert.False(t, got.MFA, "a second factor of the session is not one of this login")
	}
	got, err = risk.ParseAction([]byte(`{"user":{"user_id":"auth0|ada"},"request":{"ip":"nowhere","geoip":{"countryCode":"no","latitude":1e3}},"authentication":{"riskAssessment":null}}`), now)
	require.NoError(t, err)
	assert.True(t, got.Place == nil && !got.IP.IsValid() && !got.MFA)
	for _, bad := range []string{"", "[]", "{}", `{"user":{"user_id":""}}`, `{"user":{"user_id":7}}`} {
		_, err = risk.ParseAction([]byte(bad), now)
		assert.Error(t, err, bad)
	}
}

// mails notes who was sent one.
type mails struct {
	to  []string
	err error
}

func (m *mails) SendVerificationEmail(_ context.Context, userID string) error {
	m.to = append(m.to, userID)
	return m.err
}

func TestAuth0Enforcer(t *testing.T) {
	t.Parallel()
	_, err := risk.Auth0Enforcer(nil)
	require.ErrorContains(t, err, "mailer")
	m := &mails{}
	e, err := risk.Auth0Enforcer(m)
	require.NoError(t, err)
	d := risk.Decision{Login: home(start)}
	require.NoError(t, e.RequireMFA(t.Context(), d))
	assert.Empty(t, m.to, "Auth0 asks at the login")
	require.NoError(t, e.SendVerification(t.Context(), d))
	assert.Equal(t, []string{"auth0|ada"}, m.to)
	m.err = errors.New("429")
	require.Error(t, e.SendVerification(t.Context(), d))
}

// tenantLog is a log of these entries.
type tenantLog []resource.LogEntry

func (l tenantLog) Logs(context.Context, string) iter.Seq2[resource.LogEntry, error] {
	return entries(l...)
}

// opened is the entry of a verification mail's link that was opened.
func opened(at time.Time, ip string) resource.LogEntry {
	return resource.LogEntry{ID: "9001", Type: "sv", Time: at, Raw: []byte(fmt.Sprintf(`{"user_id":"auth0|ada","user_name":"ada@example.com","ip":%q}`, ip))}
}

// A link that was opened completes the challenge of a login from there, and no other.
func TestFollowAuth0CompletesMails(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	w := newWorld(t, risk.Config{
		Now: func() time.Time { return now }, OnNewDevice: risk.OnNewDevice{Action: risk.PromptVerification},
		Bands: risk.Bands{Prompt: 20, MFA: 99, Deny: 100},
	})
	challenge := func(l risk.Login) {
		t.Helper()
		d := w.evaluate(t, l)
		require.Equal(t, risk.PromptVerification, d.Action, d.Explain())
		require.ErrorIs(t, w.Apply(t.Context(), d), risk.ErrChallenged)
	}
	phone := home(now)
	phone.DeviceID = "phone"
	challenge(theft(now))
	challenge(phone)
	ended := func() (out []string) {
		history, err := w.History(t.Context(), "auth0|ada")
		require.NoError(t, err)
		for _, d := range history {
			out = append(out, d.Login.IP.String()+" "+d.Ended)
		}
		return out
	}
	for _, nothing := range []resource.LogEntry{
		opened(now.Add(time.Minute), "81.2.69.99"), opened(now.Add(-time.Minute), "81.2.69.10"), opened(now.Add(2*time.Hour), "81.2.69.10"),
		opened(now.Add(time.Minute), ""), opened(now.Add(time.Minute), "10.0.0.1"),
	} {
		_, err := w.FollowAuth0(t.Context(), tenantLog{nothing}, "")
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{"177.1.1.1 ", "81.2.69.10 "}, ended())
	}
	last, err := w.FollowAuth0(t.Context(), tenantLog{opened(now.Add(time.Minute), "81.2.69.10")}, "")
	require.NoError(t, err)
	assert.Equal(t, "9001", last)
	assert.ElementsMatch(t, []string{"177.1.1.1 ", "81.2.69.10 step_up_passed"}, ended(), "the thief's waits on")
	assert.Equal(t, risk.Allow, w.evaluate(t, phone).Action, "the phone is known")
	_, err = w.FollowAuth0(t.Context(), tenantLog{opened(now.Add(time.Minute), "81.2.69.10")}, "")
	require.NoError(t, err, "read twice")
}

// Wrong passwords that only Auth0 has seen reach the score.
func TestFollowAuth0CountsFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	before := odds(w.evaluate(t, home(w.now)), "suspicious_activity")
	var list tenantLog
	for i := range 8 {
		e := entry("fp", "auth0|ada", w.now.Sub(start), "")
		e.ID = fmt.Sprint("90", i)
		list = append(list, e)
	}
	last, err := w.FollowAuth0(t.Context(), append(list, entry("s", "auth0|ada", w.now.Sub(start), ""), resource.LogEntry{ID: "999", Type: "fp", Raw: []byte("{")}), "")
	require.NoError(t, err)
	assert.Equal(t, "999", last)
	assert.Greater(t, odds(w.evaluate(t, home(w.now)), "suspicious_activity"), before)

	broken, err := risk.New(w.detector, risk.Config{Counters: brokenCounters{}, Keys: keys})
	require.NoError(t, err)
	last, err = broken.FollowAuth0(t.Context(), list, "899")
	require.Error(t, err)
	assert.Equal(t, "899", last, "to be read again")
	last, err = w.FollowAuth0(t.Context(), tenantLog{}, "900")
	require.NoError(t, err)
	assert.Equal(t, "900", last, "nothing new")
}
