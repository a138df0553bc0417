package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/session/driver"
)

// logoutEvent is the member of "events" that makes a token a logout token.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// LogoutConfig is optional.
type LogoutConfig struct {
	// Types are the values of "typ" that are accepted. OpenID Connect Back-Channel
	// Logout 1.0 recommends logout+jwt and ASVS 5.0 10.5.5 asks for it, but Auth0's
	// documentation shows JWT. Defaults to logout+jwt, and JWT too when the issuer
	// is below auth0.com; with a custom domain of Auth0 give both.
	Types []string
	// MaxAge is how old "iat" may be. Defaults to 2 minutes, the lifetime of
	// Auth0's logout tokens.
	MaxAge time.Duration
	// OtherProvider takes issuer as it is written, for a provider other than Auth0:
	// it may have a path, and no slash at the end. Defaults to false: issuer is the
	// domain of an Auth0 tenant.
	OtherProvider bool
	// JWKS is where the issuer's keys are. Defaults to .well-known/jwks.json below
	// the issuer.
	JWKS string
	// HTTPClient reads the keys. Defaults to one with a timeout.
	HTTPClient *http.Client
	// Replay remembers the tokens that were used. Defaults to the Manager's store.
	Replay driver.Replay
}

// logoutTimeout is less than the 5 s that Auth0 waits for an answer.
const logoutTimeout = 4 * time.Second

type logoutReceiver struct {
	m        *Manager
	verifier *jose.Verifier
	replay   driver.Replay
	maxAge   time.Duration
	refused  limiter
}

// BackChannelLogout returns the handler to which Auth0, or another provider,
// posts logout tokens (OpenID Connect Back-Channel Logout 1.0; at Auth0 a feature
// of the Enterprise plan). A token with a "sid" ends the sessions that belong to
// it, and those of its "sub" that were created without a SID; one with a "sub" alone
// ends all sessions of the user. It answers 200 when they
// are dead and 400 in any other case, as section 2.8 has it, and never tells
// Auth0 back.
//
// issuer is the domain of the tenant, "tenant.eu.auth0.com" or
// "https://tenant.eu.auth0.com/"; for another provider see
// LogoutConfig.OtherProvider.
//
// The route must not be behind Load or Require: the request has no cookie and
// comes from elsewhere.
func BackChannelLogout(m *Manager, issuer, clientID string, cfg LogoutConfig) (http.Handler, error) {
	switch {
	case m == nil:
		return nil, errors.New("session: BackChannelLogout needs a Manager; it is nil")
	case clientID == "":
		return nil, errors.New("session: BackChannelLogout needs a client id, the audience of the tokens; it is empty")
	}
	if cfg.Replay == nil {
		cfg.Replay, _ = m.store.(driver.Replay)
	}
	if cfg.Replay == nil {
		return nil, errors.New("session: LogoutConfig.Replay is nil, and the store is none; NewMemory() is one")
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = 2 * time.Minute
	}
	if cfg.MaxAge < 0 || cfg.MaxAge > time.Hour {
		return nil, errors.New("session: LogoutConfig.MaxAge must be between 0 and an hour")
	}
	verifier, err := logoutVerifier(m, issuer, clientID, cfg)
	if err != nil {
		return nil, fmt.Errorf("session: BackChannelLogout: %w", err)
	}
	return &logoutReceiver{m: m, verifier: verifier, replay: cfg.Replay, maxAge: cfg.MaxAge}, nil
}

// issuerOf returns the iss of the logout tokens.
func issuerOf(written string, cfg LogoutConfig) (string, error) {
	if cfg.OtherProvider {
		return written, issuer.Other("issuer", written)
	}
	tenant, err := issuer.Parse("issuer", written)
	return string(tenant), err
}

func logoutVerifier(m *Manager, issuer, clientID string, cfg LogoutConfig) (*jose.Verifier, error) {
	issuer, err := issuerOf(issuer, cfg)
	if err != nil {
		return nil, err
	}
	if cfg.JWKS == "" {
		cfg.JWKS = strings.TrimSuffix(issuer, "/") + "/.well-known/jwks.json"
	}
	if len(cfg.Types) == 0 {
		cfg.Types = []string{"logout+jwt"}
		if u, err := url.Parse(issuer); err == nil && strings.HasSuffix(u.Hostname(), ".auth0.com") {
			cfg.Types = append(cfg.Types, "JWT")
		}
	}
	keys, err := jose.NewKeySet(cfg.JWKS, jose.KeySetConfig{HTTPClient: cfg.HTTPClient})
	if err != nil {
		return nil, err
	}
	return jose.NewVerifier(jose.Policy{
		Issuers:  []jose.Issuer{{ID: issuer, Keys: keys}},
		Audience: clientID, Types: cfg.Types, Now: m.cfg.Now,
	})
}

// refusal is why a logout token is refused, in a word for the event. It carries
// nothing of the token.
type refusal string

func (r refusal) Error() string { return "session: logout token refused: " + string(r) }

// ServeHTTP answers the provider.
func (l *logoutReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), logoutTimeout)
	defer cancel()
	err := l.receive(ctx, w, r)
	if err == nil || errors.Is(err, audit.ErrNotRecorded) && !errors.Is(err, ErrUnavailable) {
		w.WriteHeader(http.StatusOK)
		return
	}
	l.refuse(ctx, w, err)
}

func (l *logoutReceiver) receive(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 4*jose.MaxLength)
	if err := r.ParseForm(); err != nil || len(r.PostForm["logout_token"]) != 1 {
		return refusal("form")
	}
	token, err := l.verifier.Verify(ctx, r.PostForm["logout_token"][0])
	if err != nil {
		return err
	}
	target, err := l.check(token)
	if err != nil {
		return err
	}
	jti, err := token.Text("jti")
	if err != nil || jti == "" {
		return refusal("jti")
	}
	sum := sha256.Sum256([]byte(token.Issuer + "\x00" + jti))
	id := base64.RawURLEncoding.EncodeToString(sum[:])
	if err := l.replay.Used(ctx, id, l.m.now()); errors.Is(err, driver.ErrReplayed) {
		return refusal("replayed")
	}
	if err := l.end(ctx, target); err != nil && !ended(err) {
		return err
	}
	// Last: a token of which this process could do half must be taken again. Of two at
	// once both end the sessions, and one is refused. It is remembered for longer than
	// it could be used: more than any leeway.
	now := l.m.now()
	err = l.replay.Seen(ctx, id, now, now.Add(l.maxAge+10*time.Minute))
	if errors.Is(err, driver.ErrReplayed) {
		return refusal("replayed")
	}
	return known(err)
}

// check applies section 2.6 of Back-Channel Logout 1.0, after the signature, the
// issuer, the audience and the times that the verifier has checked.
func (l *logoutReceiver) check(t *jose.Token) (driver.Ended, error) {
	var events map[string]json.RawMessage
	if err := t.Claim("events", &events); err != nil {
		return driver.Ended{}, refusal("event")
	}
	var member map[string]json.RawMessage
	if err := json.Unmarshal(events[logoutEvent], &member); err != nil || member == nil {
		return driver.Ended{}, refusal("event")
	}
	if t.Has("nonce") { // an ID token must not pass for a logout token
		return driver.Ended{}, refusal("nonce")
	}
	if t.IssuedAt.IsZero() || l.m.cfg.Now().Sub(t.IssuedAt) > l.maxAge {
		return driver.Ended{}, refusal("age")
	}
	sid, err := t.Text("sid")
	if err != nil || sid == "" && t.Subject == "" {
		return driver.Ended{}, refusal("subject")
	}
	for _, id := range []string{sid, t.Subject} {
		if id != "" && checkID("logout", "id", id) != nil {
			return driver.Ended{}, refusal("subject")
		}
	}
	return driver.Ended{UserID: t.Subject, SID: sid}, nil
}

// end revokes, and tries again for as long as the provider waits.
func (l *logoutReceiver) end(ctx context.Context, e driver.Ended) error {
	for try := 0; ; try++ {
		var err error
		if e.SID != "" {
			err = errors.Join(l.m.revokeSID(ctx, e.SID, "backchannel", false), l.endUnnamed(ctx, e.UserID))
		} else {
			err = l.m.revokeUser(ctx, e.UserID, "backchannel", false)
		}
		if !errors.Is(err, ErrUnavailable) {
			return errors.Join(err, l.m.record(ctx, "backchannel_logout", driver.Ended{UserID: e.UserID}, audit.Success, ""))
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(try+1) * 50 * time.Millisecond):
		}
	}
}

// endUnnamed ends the user's sessions that were created without a SID: any of them
// may be the one of the token.
func (l *logoutReceiver) endUnnamed(ctx context.Context, userID string) error {
	if userID == "" {
		return nil
	}
	list, err := l.m.List(ctx, userID)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.SID != "" {
			continue
		}
		r := revocation{
			sel: driver.Selector{Form: driver.SelectOne, UserID: userID, ID: s.ID}, reason: "backchannel", told: keepQuiet,
			match: func(other *Session) bool { return other.ID == s.ID },
		}
		if _, err := l.m.revoke(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// refuse answers 400 and records, at most once a second: anybody can post here.
func (l *logoutReceiver) refuse(ctx context.Context, w http.ResponseWriter, err error) {
	code, reason := "invalid_request", "token"
	if e, ok := errors.AsType[*jose.Error](err); ok {
		reason = string(e.Reason)
	} else if e, ok := errors.AsType[refusal](err); ok {
		reason = string(e)
	} else {
		code, reason = "temporarily_unavailable", "unavailable"
	}
	if n := l.refused.allow(l.m.cfg.Now()); n > 0 {
		// The answer is no already; there is nothing to take back when this fails.
		_ = audit.Record(context.WithoutCancel(ctx), l.m.cfg.Recorder, audit.Event{
			Type: "session", Action: "session.backchannel_logout", Outcome: audit.Failure, Reason: reason,
			Time: l.m.cfg.Now(), Source: "auth0kit/session", Metadata: map[string]string{"count": strconv.Itoa(n)},
		})
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": reason})
}
