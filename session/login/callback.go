package login

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/session"
)

// skew is how far apart the clocks of Auth0 and this service may be.
const skew = time.Minute

func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	tx, ok := h.take(w, r, q.Get("state"))
	if !ok {
		h.answer(w, r, refuse(http.StatusBadRequest, "state", errState))
		return
	}
	tokens, id, err := h.redeem(r.Context(), tx, q)
	if err == nil {
		switch {
		case tx.UserID != "" && id.UserID != tx.UserID:
			err = refuse(http.StatusForbidden, "other_user", errUser)
		case tx.MFA && !id.MFA:
			err = refuse(http.StatusForbidden, "mfa_required", ErrMFARequired)
		}
	}
	switch {
	case err != nil:
		h.answer(w, r, err)
	case tx.StepUp:
		h.stepUp(w, r, tx, id)
	default:
		h.enter(w, r, tx, tokens, id)
	}
}

// granted are tokens and the key that they are bound to, if any.
type granted struct {
	*oauth.Token
	key *ecdsa.PrivateKey
}

// redeem exchanges the code of an answer for tokens and reads who came back.
func (h *Handler) redeem(ctx context.Context, tx *transaction, q url.Values) (*granted, *Identity, error) {
	if iss := q.Get("iss"); iss != "" && iss != string(h.issuer) { // RFC 9207
		return nil, nil, refuse(http.StatusForbidden, "issuer", errAuth0)
	}
	code := q.Get("code")
	if code == "" || q.Has("error") {
		err := errAuth0
		if c := q.Get("error"); oauth.IsCode(c) {
			err = fmt.Errorf("%w: %s", errAuth0, c)
		}
		return nil, nil, refuse(http.StatusForbidden, "auth0", err)
	}
	var key *ecdsa.PrivateKey
	if h.cfg.DPoP {
		var err error
		if key, err = newKey(); err != nil {
			return nil, nil, err
		}
	}
	t, err := bindTo(h.app, key).AuthorizationCode(ctx, code, tx.Verifier, h.redirectURI())
	if err != nil {
		return nil, nil, ofAuth0(err)
	}
	if key != nil && !strings.EqualFold(t.Type, "DPoP") {
		return nil, nil, errUnbound
	}
	tokens := &granted{t, key}
	token, err := h.verifier.Verify(ctx, tokens.ID)
	if err != nil {
		return nil, nil, ofToken(err)
	}
	id, err := h.identify(token, tx)
	if err != nil {
		return nil, nil, refuse(http.StatusForbidden, "id_token", err)
	}
	return tokens, id, nil
}

// identify checks what the ID token says against what was asked for.
func (h *Handler) identify(token *jose.Token, tx *transaction) (*Identity, error) {
	id, nonce, azp, err := read(token)
	if err != nil {
		return nil, errors.Join(errIDToken, err)
	}
	maxAge := h.maxAge
	if tx.MFA {
		maxAge = 0
	}
	if p := tx.Proved; p != nil && !young(p.At, heldFor) {
		return nil, fmt.Errorf("%w: the factor was proved too long ago", errIDToken)
	}
	switch {
	case id.UserID == "":
		return nil, fmt.Errorf("%w: it has no sub", errIDToken)
	case subtle.ConstantTimeCompare([]byte(nonce), []byte(tx.Nonce)) != 1:
		return nil, fmt.Errorf("%w: another nonce", errIDToken)
	case azp != "" && azp != h.app.ClientID || !isFor(token, h.app.ClientID):
		return nil, fmt.Errorf("%w: another authorized party", errIDToken)
	case id.AuthTime.Before(tx.At.Add(-maxAge - skew)): // also where there is none
		return nil, fmt.Errorf("%w: the authentication is older than max_age", errIDToken)
	case tx.Org != "" && !id.isOf(tx.Org):
		return nil, fmt.Errorf("%w: another organization", errIDToken)
	}
	id.MFA = slices.Contains(id.AMR, "mfa") && !id.AuthTime.Before(tx.At.Add(-skew))
	if p := tx.Proved; p != nil {
		id.proved, id.MFA = p, true
	}
	return id, nil
}

// isFor reports whether a token names no audience but the application (OpenID Connect
// Core section 3.1.3.7, step 3).
func isFor(t *jose.Token, clientID string) bool {
	var all []string // stays empty of the one text that the verifier has compared
	return t.Claim("aud", &all) != nil || !slices.ContainsFunc(all, func(a string) bool { return a != clientID })
}

// stepUp gives the session what was proved. When that has ended or was replaced
// meanwhile, the page decides: the code is spent, so the callback cannot come again.
func (h *Handler) stepUp(w http.ResponseWriter, r *http.Request, tx *transaction, id *Identity) {
	user, err := h.web.UserID(r)
	if err == nil && user != id.UserID {
		err = refuse(http.StatusForbidden, "other_user", errUser)
	} else if err == nil {
		err = h.web.StepUp(w, r, id.AuthTime, id.AMR...)
	}
	if err != nil && !over(err) {
		h.answer(w, r, err)
		return
	}
	http.Redirect(w, r, tx.To, http.StatusSeeOther)
}

// over reports whether a session is known to be there no more, or under another token.
func over(err error) bool {
	return !errors.Is(err, session.ErrUnavailable) &&
		(errors.Is(err, session.ErrNone) || errors.Is(err, session.ErrExpired) || errors.Is(err, session.ErrRevoked))
}

// enter starts the session, if OnLogin lets the user in.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request, tx *transaction, tokens *granted, id *Identity) {
	if h.cfg.OnLogin != nil {
		err := h.cfg.OnLogin(w, r, id)
		if errors.Is(err, ErrMFARequired) && !id.MFA {
			h.askFactor(w, r, &transaction{To: tx.To, Org: id.OrgID, UserID: id.UserID, Again: tx.Again})
			return
		}
		if x, ok := errors.AsType[*holdError](err); ok && tx.Proved == nil {
			h.hold(w, r, tx, id, x.path)
			return
		}
		if err != nil {
			h.answer(w, r, ofHook(err))
			return
		}
	}
	kept, err := keepTokens(h.cfg.Audience, tokens, time.Now())
	if err != nil {
		h.answer(w, r, err)
		return
	}
	_, err = h.web.Login(w, r, session.Login{
		UserID: id.UserID, SID: id.SID, OrgID: id.OrgID, AuthTime: id.AuthTime, IssuedAt: id.IssuedAt,
		AMR: id.AMR, NotAfter: id.notAfter, Payload: id.Payload, Tokens: kept,
	})
	switch {
	case err == nil && tx.Proved != nil:
		h.stepUpHeld(w, r, tx)
	case err == nil, errors.Is(err, session.ErrSuperseded): // another tab has signed in, and the code is spent
		http.Redirect(w, r, tx.To, http.StatusSeeOther)
	case over(err) && !tx.Again: // this login, not the session before it
		q := url.Values{"prompt": {"login"}}
		if tx.Org != "" {
			q.Set("organization", tx.Org)
		}
		h.begin(w, r, &transaction{To: tx.To, Org: tx.Org, Again: true, UserID: tx.UserID, Proved: tx.Proved}, q)
	case over(err):
		h.answer(w, r, refuse(http.StatusForbidden, "", err)) // a 401 would lead to the login again
	default:
		h.answer(w, r, err)
	}
}

func (h *Handler) hold(w http.ResponseWriter, r *http.Request, tx *transaction, id *Identity, path string) {
	if localPath(path) != path || path == "/" || strings.ContainsAny(path, "?#") {
		h.answer(w, r, fmt.Errorf("login: Hold needs a path of this site, not %q", path))
		return
	}
	waits := held{UserID: id.UserID, To: tx.To, Org: id.OrgID, CSRF: rand.Text(), At: time.Now()}
	if err := h.setSealed(w, h.heldName(), waits, heldFor); err != nil {
		h.answer(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, path+"?"+url.Values{"to": {h.cfg.Path + "/login"}}.Encode(), http.StatusSeeOther)
}

// stepUpHeld gives a new session the time of the local factors.
func (h *Handler) stepUpHeld(w http.ResponseWriter, r *http.Request, tx *transaction) {
	if err := h.web.StepUp(w, r, tx.Proved.At, tx.Proved.AMR...); err != nil {
		h.answer(w, r, errors.Join(err, h.web.Logout(w, r)))
		return
	}
	http.Redirect(w, r, tx.To, http.StatusSeeOther)
}
