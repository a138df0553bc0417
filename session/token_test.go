package session_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/session"
)

// TestToken: 7.2.3 and NIST 5.1: at least 128 random bits, unique, and nothing
// about the user in it.
func TestToken(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{MaxPerUser: 1000})
	seen := map[string]bool{}
	var ones [64 * 8]int
	const n = 1000
	for range n {
		raw, err := base64.RawURLEncoding.DecodeString(string(m.login(t, session.Login{UserID: "auth0|alice"})))
		if err != nil || len(raw) != 64 || seen[string(raw)] {
			t.Fatalf("a token of %d bytes, %v", len(raw), err)
		}
		seen[string(raw)] = true
		for bit := range ones {
			ones[bit] += int(raw[bit/8] >> (bit % 8) & 1)
		}
	}
	for bit := 32 * 8; bit < len(ones); bit++ { // after the names of the user and the SID
		if ones[bit] < n*4/10 || ones[bit] > n*6/10 {
			t.Errorf("bit %d is one in %d of %d tokens", bit, ones[bit], n)
		}
	}
}

// TestTokenIsNotShown: 16.2.5: a token does not get into a log by accident.
func TestTokenIsNotShown(t *testing.T) {
	t.Parallel()
	token := newSetup(t, session.Config{}).login(t, session.Login{UserID: "u"})
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("login", "token", token)
	text, err := json.Marshal(map[string]any{"token": token})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		log.String(), string(text), token.String(), fmt.Sprint(token), fmt.Sprintf("%s %v %q %x %+v %#v %d", token, token, token, token, token, token, token),
		fmt.Sprint(struct{ T session.Token }{token}), fmt.Sprint([]session.Token{token}),
	} {
		if strings.Contains(shown, string(token)) || strings.Contains(shown, fmt.Sprintf("%x", string(token))) {
			t.Errorf("shown as %s", shown)
		}
	}
}

// TestStoredHashed: what is stored finds no token; 16.2.5 and the facts' record.
func TestStoredHashed(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	token := m.login(t, session.Login{UserID: "u"})
	raw, _ := base64.RawURLEncoding.DecodeString(string(token))
	records, err := m.store.List(t.Context(), "u", start)
	if err != nil || len(records) != 1 {
		t.Fatal(err)
	}
	r := records[0]
	for _, stored := range []string{string(r.Key.Hash[:]), r.ID, string(r.CSRF[:])} {
		if strings.Contains(string(token), stored) || bytes.Contains(raw, []byte(stored)) {
			t.Fatal("a part of the token is stored")
		}
	}
}

// FuzzToken: whatever the client sends, it is an answer and no panic; and a
// token has one spelling.
func FuzzToken(f *testing.F) {
	m, err := session.New(session.NewMemory(), session.Config{})
	if err != nil {
		f.Fatal(err)
	}
	token, _, err := m.Create(f.Context(), session.Login{UserID: "u"})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "x", string(token), string(token) + "\n", string(token[:45]) + "/", strings.Repeat("A", 46), strings.Repeat("=", 46)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := m.Validate(t.Context(), session.Token(s)); (err == nil) != (s == string(token)) {
			t.Fatalf("Validate(%q) = %v", s, err)
		}
	})
}
