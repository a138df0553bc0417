package risk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/risk"
)

func entries(list ...resource.LogEntry) iter.Seq2[resource.LogEntry, error] {
	return func(yield func(resource.LogEntry, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func entry(kind, user string, after time.Duration, more string) resource.LogEntry {
	raw := fmt.Sprintf(`{"user_id":%q,"user_name":"ada@example.com","ip":"81.2.69.10","user_agent":"Firefox"%s}`, user, more)
	return resource.LogEntry{Type: kind, Time: start.Add(after), Raw: json.RawMessage(raw)}
}

func TestFromAuth0(t *testing.T) {
	t.Parallel()
	place := `,"location_info":{"country_code":"NO","latitude":59.9,"longitude":10.7,"time_zone":"Europe/Oslo"}`
	var got []string
	for p, err := range risk.FromAuth0(entries(
		entry("s", "auth0|ada", 0, place), entry("seacft", "auth0|ada", time.Second, ""), entry("fp", "auth0|ada", time.Minute, ""),
		entry("fu", "", time.Minute, ""), entry("gd_auth_succeed", "auth0|ada", time.Hour, ""), entry("s", "auth0|ada", time.Hour+time.Minute, ""),
		entry("scp", "auth0|ada", 2*time.Hour, ""), entry("s", "auth0|ada", 3*time.Hour, ""), // known before: the owner
		entry("scpr", "auth0|bob", 2*time.Hour, ""), entry("s", "auth0|bob", 3*time.Hour, ""), entry("s", "auth0|bob", 4*time.Hour, ""),
		entry("s", "auth0|bob", 30*time.Hour, ""), entry("s", "", time.Hour, ""), resource.LogEntry{Type: "s", Time: start, Raw: json.RawMessage("{")},
	)) {
		require.NoError(t, err)
		got = append(got, p.Login.UserID+" "+p.Outcome.String())
		if len(got) == 1 {
			assert.Equal(t, "NO", p.Login.Place.Country)
			assert.Equal(t, "81.2.69.10", p.Login.IP.String())
		}
	}
	assert.Equal(t, []string{
		"auth0|ada allowed", "auth0|ada refused", "ada@example.com refused", "auth0|ada step_up_passed", "auth0|ada allowed",
		"auth0|bob abandoned", "auth0|bob abandoned", "auth0|bob allowed",
	}, got)
	for _, err := range risk.FromAuth0(func(yield func(resource.LogEntry, error) bool) { yield(resource.LogEntry{}, errors.New("cut off")) }) {
		require.Error(t, err)
	}
}

// One passed challenge proves one login: whoever signs in next is not the user for it.
func TestChallengeOfAuth0ProvesOneLogin(t *testing.T) {
	t.Parallel()
	var got []string
	for p, err := range risk.FromAuth0(entries(entry("gd_auth_succeed", "auth0|ada", 0, ""), entry("s", "auth0|ada", time.Second, ""), entry("s", "auth0|ada", time.Minute, ""))) {
		require.NoError(t, err)
		got = append(got, p.Outcome.String())
	}
	assert.Equal(t, []string{"step_up_passed", "allowed"}, got)
}

// An engine that was fed the log does not start blind: its user has a history, and
// who came after a reset has none.
func TestReplayOfAuth0(t *testing.T) {
	t.Parallel()
	var list []resource.LogEntry
	for day := range 10 {
		list = append(list, entry("s", "auth0|eve", time.Duration(day)*24*time.Hour, ""))
	}
	list = append(list, entry("scpr", "auth0|bob", 240*time.Hour, ""), entry("s", "auth0|bob", 241*time.Hour, ""))
	w := newWorld(t, risk.Config{})
	r, err := w.Replay(t.Context(), risk.FromAuth0(entries(list...)))
	require.NoError(t, err)
	assert.Equal(t, 11, r.Logins)
	for user, first := range map[string]bool{"auth0|eve": false, "auth0|bob": true} {
		l := home(w.now)
		l.UserID = user
		assert.Equal(t, first, w.evaluate(t, l).First, user)
	}
}

func FuzzFromAuth0(f *testing.F) {
	f.Add("s", `{"user_id":"a","ip":"1.2.3.4","location_info":{"country_code":"NO","latitude":1e3}}`)
	f.Fuzz(func(t *testing.T, kind, raw string) {
		w := newWorld(t, risk.Config{})
		_, err := w.Replay(t.Context(), risk.FromAuth0(entries(resource.LogEntry{Type: kind, Time: start, Raw: json.RawMessage(raw)})))
		_ = err // A name that cannot be used is an error of Replay; nothing panics.
	})
}
