package risk_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/risk"
)

// All of IPv4 comes through one /96 of a NAT64: who guesses from one address of it
// says nothing about the others, and lists of networks know the address inside.
func TestAddressesInsideOfIPv6(t *testing.T) {
	t.Parallel()
	list, err := risk.Networks("exits", 1, []netip.Prefix{netip.MustParsePrefix("::ffff:177.1.1.0/120")})
	require.NoError(t, err)
	w := newWorld(t, risk.Config{Factors: []risk.Factor{list}})
	for i := range 20 {
		f := theft(w.now)
		f.UserID, f.Email, f.DeviceID, f.UserAgent = fmt.Sprint("guess ", i), "", "", ""
		f.IP = netip.MustParseAddr("64:ff9b::177.1.1.1")
		require.NoError(t, w.Failed(t.Context(), f))
	}
	l := home(w.now)
	l.IP = netip.MustParseAddr("64:ff9b::81.2.69.10")
	d := w.evaluate(t, l)
	assert.NotContains(t, d.Explain(), "failing from", "another client of the same NAT64")
	assert.Zero(t, odds(d, "exits"))
	d = w.evaluate(t, theft(w.now))
	assert.Contains(t, d.Explain(), "20 users failing from the address", "the same client without a NAT64")
	assert.InDelta(t, 1, odds(d, "exits"), 0)
}

// A mail that was sent before Distrust does not prove the user afterwards: the
// mailbox can be taken over too.
func TestDistrustOvertakesAMail(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	w := newWorld(t, risk.Config{Bands: risk.Bands{Prompt: 20, MFA: 99, Deny: 100}, Now: func() time.Time { return now }})
	d := w.evaluate(t, theft(now))
	require.Equal(t, risk.PromptVerification, d.Action)
	require.ErrorIs(t, w.Apply(t.Context(), d), risk.ErrChallenged)
	require.NoError(t, w.Distrust(t.Context(), "auth0|ada"))
	require.ErrorIs(t, w.Complete(t.Context(), "auth0|ada", d.ID, risk.StepUpPassed), risk.ErrNoDecision)
	d = w.evaluate(t, theft(now))
	assert.Equal(t, risk.MFARequired, d.Action, "%s", d.Explain())
	assert.Contains(t, d.Explain(), "distrusted")
}

// A link that was opened answers the newest challenge from there: an entry that is
// read twice does not answer the one before it too.
func TestOneLinkAnswersOneChallenge(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	w := newWorld(t, risk.Config{
		Now: func() time.Time { return now }, OnNewDevice: risk.OnNewDevice{Action: risk.PromptVerification},
		Bands: risk.Bands{Prompt: 20, MFA: 99, Deny: 100},
	})
	for _, device := range []string{"a thief's in the same network", "phone"} {
		now = now.Add(2 * time.Minute)
		l := home(now)
		l.DeviceID = device
		require.ErrorIs(t, w.Apply(t.Context(), w.evaluate(t, l)), risk.ErrChallenged)
	}
	entry := opened(now.Add(time.Minute), "81.2.69.10")
	for range 3 {
		_, err := w.FollowAuth0(t.Context(), tenantLog{entry, entry}, "")
		require.NoError(t, err)
	}
	history, err := w.History(t.Context(), "auth0|ada")
	require.NoError(t, err)
	require.Len(t, history, 2)
	assert.Equal(t, "step_up_passed", history[0].Ended)
	assert.Empty(t, history[1].Ended, "nobody has opened its link")
}

// No entry of a log stops the rest: not one of a time that cannot be, nor one whose
// decision was sealed with a key that is gone. A failure from the future counts now,
// and does not stay.
func TestFollowAuth0GoesOn(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	decisions := risk.NewMemoryDecisions(0)
	require.NoError(t, decisions.Put(t.Context(), "auth0|ada", risk.Record{ID: "1", At: now, Until: now.Add(time.Hour), Sealed: []byte("by another key")}))
	w := newWorld(t, risk.Config{Decisions: decisions, Keys: keys, Now: func() time.Time { return now }})
	bad := tenantLog{
		{ID: "1", Type: "fp", Time: time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), Raw: []byte(`{"user_name":"ada@example.com"}`)},
		{ID: "2", Type: "sv", Time: now, Raw: []byte(`{"user_id":"auth0|a\u0000da","ip":"81.2.69.10"}`)},
		opened(now, "81.2.69.10"), opened(now, "::1"), opened(now, ""),
		{Type: "s", Time: now, Raw: []byte(`{}`)},
	}
	for i := range 8 {
		bad = append(bad, resource.LogEntry{ID: fmt.Sprint("90", i), Type: "fp", Time: now.AddDate(10, 0, 0), Raw: []byte(`{"user_name":"ada@example.com","ip":"::1"}`)})
	}
	last, err := w.FollowAuth0(t.Context(), bad, "0")
	require.NoError(t, err)
	assert.Equal(t, "907", last)
	assert.Contains(t, w.evaluate(t, home(now)).Explain(), "8 failures under the email address")
	now = now.Add(3 * time.Hour)
	assert.NotContains(t, w.evaluate(t, home(now)).Explain(), "failures")
	last, err = w.FollowAuth0(t.Context(), tenantLog{{Type: "s", Time: now, Raw: []byte(`{}`)}}, "907")
	require.NoError(t, err)
	assert.Equal(t, "907", last, "an entry without an id is no place to go on from")
}

// Entries that are delivered twice are read once, and those that cannot be are left
// out, so that one of them does not end the import.
func TestFromAuth0Twice(t *testing.T) {
	t.Parallel()
	list := tenantLog{
		entry("s", "auth0|ada", 0, ""), entry("gd_auth_succeed", "auth0|ada", time.Hour, ""), entry("s", "auth0|ada", time.Hour+time.Minute, ""),
		entry("fp", "auth0|ada", 2*time.Hour, ""), entry("s", "auth0|ada", 3*time.Hour, `,"ip":"::1"`),
	}
	for i := range list {
		list[i].ID = fmt.Sprint("90", i)
	}
	future := entry("s", "auth0|ada", 0, "")
	future.Time = time.Now().AddDate(1, 0, 0)
	twice := tenantLog{list[0], list[0], list[1], list[1], list[2], list[1], list[2], list[3], list[3], list[4],
		entry("s", " ada", 4*time.Hour, ""), entry("s", "auth0|\x00", 4*time.Hour, ""), future}
	var got []string
	for p, err := range risk.FromAuth0(entries(twice...)) {
		require.NoError(t, err)
		got = append(got, p.Outcome.String())
	}
	assert.Equal(t, []string{"allowed", "step_up_passed", "refused", "allowed"}, got)
	_, err := newWorld(t, risk.Config{}).Replay(t.Context(), risk.FromAuth0(entries(twice...)))
	require.NoError(t, err)
}

// Failed logins with invented names and addresses do not push the counts of
// challenges out of memory.
func TestFailuresPushNoCountOut(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	w := challenged(t, risk.Config{Counters: risk.NewMemoryCounters(320), Keys: keys, Now: func() time.Time { return now }})
	guess := 0
	for range 40 {
		now = now.Add(2 * time.Minute)
		require.Error(t, w.Apply(t.Context(), w.evaluate(t, theft(now))))
		for range 200 {
			guess++
			f := risk.Login{Attempt: anomaly.Attempt{UserID: fmt.Sprint("guess ", guess), UserAgent: fmt.Sprint("agent ", guess), Time: now}}
			f.IP = netip.AddrFrom16([16]byte{0x20, 1, byte(guess >> 16), byte(guess >> 8), byte(guess), 1})
			require.NoError(t, w.Failed(t.Context(), f))
		}
	}
	assert.Len(t, w.enforcer.calls, 10)
}

// While mails cannot be sent, whoever tries again is not locked out for it.
func TestChallengesThatDidNotStart(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	w := challenged(t, risk.Config{Now: func() time.Time { return now }})
	w.enforcer.err = errors.New("mail server is away")
	for range 30 {
		now = now.Add(time.Minute)
		err := w.Apply(t.Context(), w.evaluate(t, theft(now)))
		require.ErrorContains(t, err, "mail server is away")
	}
	w.enforcer.err, now = nil, now.Add(2*time.Minute)
	assert.ErrorIs(t, w.Apply(t.Context(), w.evaluate(t, theft(now))), risk.ErrChallenged)
}

// A device that many use, such as that of a school, has as many more failures.
func TestFailuresOfASharedDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	at := w.now
	for user := range 30 {
		at = at.Add(30 * time.Second)
		l := home(at)
		l.UserID, l.Email = fmt.Sprint("auth0|", user), ""
		require.NotEmpty(t, w.evaluate(t, l).ID)
		if user%2 == 0 {
			require.NoError(t, w.Failed(t.Context(), l))
		}
	}
	assert.NotContains(t, w.evaluate(t, home(at)).Explain(), "with the device id")
}

// An id that is an address meets its failures, however it is written.
func TestUserIDThatIsAnAddress(t *testing.T) {
	t.Parallel()
	for _, tried := range []string{"Ada@Example.com", "ada@example.com"} {
		w := newWorld(t, risk.Config{})
		for range 8 {
			require.NoError(t, w.Failed(t.Context(), risk.Login{Attempt: anomaly.Attempt{UserID: tried, Time: w.now}}))
		}
		l := home(w.now)
		l.UserID, l.Email = "Ada@Example.com", ""
		assert.Contains(t, w.evaluate(t, l).Explain(), "8 failures of the user", tried)
	}
}

// History shows what it can read, beside an error for what it cannot.
func TestHistoryOfAFormerKey(t *testing.T) {
	t.Parallel()
	decisions := risk.NewMemoryDecisions(0)
	w := newWorld(t, risk.Config{Decisions: decisions, Keys: keys})
	require.NoError(t, decisions.Put(t.Context(), "auth0|ada", risk.Record{ID: "1", At: w.now, Until: w.now, Sealed: []byte("by another key")}))
	require.Error(t, w.Apply(t.Context(), w.evaluate(t, theft(w.now))))
	history, err := w.History(t.Context(), "auth0|ada")
	require.ErrorContains(t, err, "Config.Keys")
	assert.Len(t, history, 1)
	_, err = w.History(context.Background(), "auth0|bob")
	require.NoError(t, err)
}

// What a client sends that is no text does not stop a login, and what was challenged is
// learned as it was sent.
func TestBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"Latin-1": "Navigateur fran\xe7ais \xe9t\xe9", "control": "agent\x00\x01\x1b[31m", "cut in a letter": firefox + " " + strings.Repeat("é", 300),
		"1 MB": strings.Repeat("x", 1<<20), "cut in a letter, one on": firefox + strings.Repeat("é", 300), "newline": "a\r\nb",
	} {
		decisions := risk.NewMemoryDecisions(0)
		w := newWorld(t, risk.Config{OnNewDevice: risk.OnNewDevice{Action: risk.MFARequired}, Decisions: decisions, Keys: keys})
		l := home(w.now)
		l.UserAgent, l.DeviceID, l.Email, l.SessionID = raw, raw, raw, raw
		l.Auth0 = map[string]string{raw: raw}
		d := w.evaluate(t, l)
		require.Equal(t, risk.MFARequired, d.Action, name)
		require.ErrorIs(t, w.Apply(t.Context(), d), risk.ErrChallenged, name)
		kept, err := decisions.List(t.Context(), "auth0|ada")
		require.NoError(t, err)
		assert.Less(t, len(kept[0].Sealed), 16<<10, name)
		require.NoError(t, w.Complete(t.Context(), "auth0|ada", d.ID, risk.StepUpPassed), name)
		d = w.evaluate(t, l)
		require.Equal(t, risk.Allow, d.Action, "%s: %s", name, d.Explain())
		require.NoError(t, w.Apply(t.Context(), d), name)
		e, _, err := w.detector.Evidence(t.Context(), l.Attempt)
		require.NoError(t, err)
		assert.Zero(t, e[slices.Index(anomaly.EvidenceNames(), "agent_fresh")], "%s: the agent is known", name)
		require.NoError(t, w.Failed(t.Context(), l), name)
	}
}
