package login

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/session"
)

// early is how long before its end an access token is renewed, or half of its
// lifetime where that is less: else a short one would be renewed at each request.
const early = time.Minute

// kept is what a session keeps of Auth0's tokens.
type kept struct {
	Refresh string            `json:"refresh,omitempty"`
	Access  map[string]access `json:"access,omitempty"` // by audience
	Key     []byte            `json:"key,omitempty"`    // that they are bound to, PKCS #8
}

type access struct {
	Token      string    `json:"token"`
	FreshUntil time.Time `json:"fresh_until"` // renewed afterwards
}

func accessOf(t *oauth.Token, now time.Time) access {
	return access{t.Access, now.Add(t.ExpiresIn - min(early, t.ExpiresIn/2))}
}

// keepTokens returns what to keep of the tokens of a login.
func keepTokens(audience string, t *granted, now time.Time) ([]byte, error) {
	if audience == "" {
		return nil, nil
	}
	key, err := formatKey(t.key)
	if err != nil {
		return nil, err
	}
	return json.Marshal(kept{Refresh: t.Refresh, Access: map[string]access{audience: accessOf(t.Token, now)}, Key: key})
}

// AccessToken returns an access token of the session in ctx for an API: the one
// that is kept, or a new one by the refresh token from a minute before its end on,
// or from half of its lifetime on where that is less. Of any
// number of parallel calls in any number of processes one uses the refresh token.
// An audience other than Config.Audience needs a multi-resource refresh token
// policy at Auth0.
//
// ErrLoginRequired is returned when the session has ended or its refresh token is
// not accepted any more. Any other error means that Auth0 or the store did not
// answer; try again later.
func (h *Handler) AccessToken(ctx context.Context, audience string) (string, error) {
	if h.cfg.DPoP {
		return "", errors.New("login: with Config.DPoP an access token is of no use without its key; use Transport")
	}
	token, _, err := h.accessToken(ctx, audience)
	return token, err
}

func (h *Handler) accessToken(ctx context.Context, audience string) (string, *ecdsa.PrivateKey, error) {
	if h.cfg.Audience == "" || audience == "" {
		return "", nil, errors.New("login: access tokens need Config.Audience and the audience that they are for")
	}
	fresh := func(tokens []byte) bool {
		k, err := open(tokens)
		a, ok := k.Access[audience]
		return err == nil && ok && time.Now().Before(a.FreshUntil)
	}
	tokens, err := h.web.UseTokens(ctx, fresh, func(ctx context.Context, tokens []byte) ([]byte, error) {
		return h.refresh(ctx, tokens, audience)
	})
	switch {
	case err == nil:
		k, err := open(tokens)
		if err != nil {
			return "", nil, err
		}
		key, err := parseKey(k.Key)
		if err == nil && h.cfg.DPoP && key == nil { // of before DPoP was switched on
			err = ErrLoginRequired
		}
		return k.Access[audience].Token, key, err
	case !errors.Is(err, session.ErrSuperseded) && (errors.Is(err, session.ErrNone) || errors.Is(err, session.ErrExpired) || errors.Is(err, session.ErrRevoked)):
		return "", nil, fmt.Errorf("%w: %w", ErrLoginRequired, err)
	}
	return "", nil, err
}

func open(tokens []byte) (k kept, err error) {
	if len(tokens) > 0 {
		err = json.Unmarshal(tokens, &k)
	}
	return k, err
}

// refresh uses the refresh token once. One that Auth0 refuses is dropped, so that
// nobody presents it again.
func (h *Handler) refresh(ctx context.Context, tokens []byte, audience string) ([]byte, error) {
	k, err := open(tokens)
	if err != nil {
		return nil, err
	}
	if k.Refresh == "" {
		return nil, ErrLoginRequired
	}
	ask := audience
	if audience == h.cfg.Audience {
		ask = "" // that of the login
	}
	key, err := parseKey(k.Key)
	if err != nil {
		return nil, err
	}
	t, err := bindTo(h.app, key).RefreshFor(ctx, k.Refresh, ask)
	if e, ok := errors.AsType[*oauth.Error](err); ok && e.Code == "invalid_grant" {
		k.Refresh = ""
		left, failed := json.Marshal(k)
		return left, errors.Join(ErrLoginRequired, err, failed)
	}
	if err != nil {
		return nil, err
	}
	if t.Refresh != "" {
		k.Refresh = t.Refresh
	}
	if k.Access == nil {
		k.Access = map[string]access{}
	}
	k.Access[audience] = accessOf(t, time.Now())
	return json.Marshal(k)
}

// Transport returns a RoundTripper that adds the access token of the session in
// the request's context, for an http.Client or a httputil.ReverseProxy. It sends
// requests to baseURL and below alone, which must be https or loopback, and
// without cookies; others are errors. Where the user must sign in again it answers
// 401 itself. next defaults to http.DefaultTransport.
func (h *Handler) Transport(audience, baseURL string, next http.RoundTripper) (http.RoundTripper, error) {
	base, ok := parseBase(baseURL)
	if !ok {
		return nil, errors.New(`login: baseURL must be an https URL, such as "https://api.example.com/v1"; plain http is for loopback alone`)
	}
	if h.cfg.Audience == "" || audience == "" {
		return nil, errors.New("login: access tokens need Config.Audience and the audience that they are for")
	}
	if next == nil {
		next = http.DefaultTransport
	}
	return &transport{h: h, audience: audience, base: base, next: next}, nil
}

type transport struct {
	h        *Handler
	audience string
	base     *url.URL
	next     http.RoundTripper
	nonce    atomic.Pointer[string] // of the API, for proofs
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.covers(r.URL) {
		closeBody(r)
		return nil, errors.New("login: the request leaves the address that its access token is for")
	}
	token, key, err := t.h.accessToken(r.Context(), t.audience)
	if err != nil {
		closeBody(r)
		if !errors.Is(err, ErrLoginRequired) {
			return nil, err
		}
		return &http.Response{
			Status: "401 Unauthorized", StatusCode: http.StatusUnauthorized, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Cache-Control": {"no-store"}}, Body: http.NoBody, Request: r,
		}, nil
	}
	res, err := t.send(r, token, key)
	if err != nil || key == nil || !wantsNonce(res) || r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		return res, err
	}
	if r.GetBody != nil {
		again := *r
		if again.Body, err = r.GetBody(); err != nil {
			return res, nil
		}
		r = &again
	}
	_ = res.Body.Close()
	return t.send(r, token, key)
}

// send sends a request as a client of the API, and keeps the nonce of the answer.
func (t *transport) send(r *http.Request, token string, key *ecdsa.PrivateKey) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("Cookie")
	nonce := ""
	if last := t.nonce.Load(); last != nil {
		nonce = *last
	}
	if err := authorize(r, token, nonce, key); err != nil {
		closeBody(r)
		return nil, err
	}
	res, err := t.next.RoundTrip(r)
	if err == nil && res.Header.Get("DPoP-Nonce") != "" {
		next := res.Header.Get("DPoP-Nonce")
		t.nonce.Store(&next)
	}
	return res, err
}

// covers reports whether u is the base or below it. A path with dots in it could
// be read otherwise by the other side.
func (t *transport) covers(u *url.URL) bool {
	if u.Scheme != t.base.Scheme || !strings.EqualFold(u.Host, t.base.Host) || u.User != nil || u.Opaque != "" {
		return false
	}
	below, p := strings.TrimSuffix(t.base.EscapedPath(), "/"), u.Path
	if strings.ContainsRune(p, '\\') || strings.Contains(strings.ToLower(u.EscapedPath()), "%2e") || p != "" && path.Clean(p) != strings.TrimSuffix(p, "/") && p != "/" {
		return false
	}
	sent := u.EscapedPath() // in which %2F is no slash
	return sent == below || strings.HasPrefix(sent, below+"/")
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
