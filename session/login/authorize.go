package login

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/asked"
	"github.com/auth0kit/auth0kit/session"
)

// multiFactor asks /authorize for a second factor
// (https://auth0.com/docs/secure/multi-factor-authentication/step-up-authentication/configure-step-up-authentication-for-web-apps).
const multiFactor = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"

// passed are the parameters that login hands on to /authorize.
var passed = []string{"organization", "organization_name", "invitation", "login_hint", "screen_hint"}

func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	sent, q := r.URL.Query(), url.Values{}
	for _, name := range passed {
		if v := sent.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	tx := &transaction{To: h.backTo(sent.Get("to")), Org: sent.Get("organization")}
	if len(q) == 0 && h.resume(w, r, tx) && tx.Org != "" {
		q.Set("organization", tx.Org)
	}
	h.begin(w, r, tx, q)
}

// resume lets a login go on that was held and has its proof.
func (h *Handler) resume(w http.ResponseWriter, r *http.Request, tx *transaction) bool {
	waits, ok := h.held(r)
	if !ok || waits.Proved == nil {
		return false
	}
	http.SetCookie(w, h.cookie(h.heldName(), "", -time.Second))
	tx.To, tx.Org, tx.UserID, tx.Proved = waits.To, waits.Org, waits.UserID, waits.Proved
	return true
}

// backTo keeps a login from leading to itself.
func (h *Handler) backTo(to string) string {
	to = localPath(to)
	if path, _, _ := strings.Cut(to, "?"); path == h.cfg.Path || strings.HasPrefix(path, h.cfg.Path+"/") {
		return "/"
	}
	return to
}

// StepUp sends the browser to Auth0 for a second factor and brings it back to the
// page of the request, or to "/" when that was no GET. The session then has the
// methods and the time of the new authentication. A script's request, which cannot go
// there, is answered with 403 and the reason "mfa_required". It serves as the challenge of
// guardian.RequireMFA; mount it behind session.HTTP.Load or Require.
//
// A user without a factor at Auth0 is refused with 403: whoever has stolen the
// password could enroll one. Where that is not known the answer is 503. At Auth0 an Action must challenge where
// event.transaction.acr_values asks for it.
func (h *Handler) StepUp(w http.ResponseWriter, r *http.Request) {
	s, ok := session.FromContext(r.Context())
	if !ok {
		h.answer(w, r, session.ErrNone)
		return
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		h.answer(w, r, refuse(http.StatusForbidden, "mfa_required", ErrMFARequired))
		return
	}
	to := "/"
	if r.Method == http.MethodGet {
		to = h.backTo(asked.URI(r))
	}
	h.askFactor(w, r, &transaction{To: to, Org: s.OrgID, UserID: s.UserID, StepUp: true})
}

// askFactor begins a login of one user with a second factor.
func (h *Handler) askFactor(w http.ResponseWriter, r *http.Request, tx *transaction) {
	if h.cfg.Factors == nil {
		h.answer(w, r, errors.New("login: Config.Factors is needed to ask for a second factor; a *guardian.Service with a Directory is one"))
		return
	}
	if err := h.cfg.Factors.EnrolledAtAuth0(r.Context(), tx.UserID); err != nil {
		h.answer(w, r, ofFactors(err))
		return
	}
	tx.MFA = true
	q := url.Values{"acr_values": {multiFactor}, "max_age": {"0"}}
	if tx.Org != "" {
		q.Set("organization", tx.Org)
	}
	h.begin(w, r, tx, q)
}

// begin sends the browser to /authorize. What this package sets cannot be replaced.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, tx *transaction, own url.Values) {
	q := url.Values{}
	if h.cfg.Authorize != nil {
		maps.Copy(q, h.cfg.Authorize(r))
	}
	tx.At, tx.Org = time.Now(), cmp.Or(tx.Org, q.Get("organization"))
	if err := h.keep(w, r, tx); err != nil {
		h.answer(w, r, err)
		return
	}
	challenge := sha256.Sum256([]byte(tx.Verifier))
	maps.Copy(q, url.Values{
		"response_type": {"code"}, "response_mode": {"query"}, "client_id": {h.app.ClientID}, "redirect_uri": {h.redirectURI()},
		"scope": {h.scope()}, "state": {tx.state}, "nonce": {tx.Nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"max_age": {strconv.Itoa(int(h.maxAge.Seconds()))}, // so that auth_time is told
	})
	if h.cfg.Audience != "" {
		q.Set("audience", h.cfg.Audience)
	}
	maps.Copy(q, own)
	w.Header().Set("Cache-Control", "no-store")
	if h.cfg.PAR {
		uri, err := h.app.Push(r.Context(), q)
		if err != nil {
			h.answer(w, r, ofAuth0(err))
			return
		}
		q = url.Values{"client_id": {h.app.ClientID}, "request_uri": {uri}}
	}
	http.Redirect(w, r, h.issuer.Join("authorize")+"?"+q.Encode(), http.StatusSeeOther)
}

func (h *Handler) redirectURI() string { return h.base + h.cfg.Path + "/callback" }

func (h *Handler) scope() string {
	scopes := []string{"openid", "profile", "email"}
	if h.cfg.Audience != "" {
		scopes = append(scopes, "offline_access")
	}
	return strings.Join(append(scopes, h.cfg.Scopes...), " ")
}
