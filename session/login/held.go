package login

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/session"
)

// heldFor is how long a login waits for local factors.
const heldFor = 10 * time.Minute

// Hold returns what Config.OnLogin returns to have a page of this site ask for a
// second factor before there is a session: guardian's, or one of yours. The login
// waits in the browser, sealed, for 10 minutes, and the browser is sent to path, with
// the parameter to where it goes on. When the page has called [Held.StepUp], the
// user comes back through Auth0, which knows them by now, and OnLogin runs again with
// Identity.MFA. A path that is not one of this site fails the login.
func Hold(path string) error { return &holdError{path} }

type holdError struct{ path string }

func (*holdError) Error() string { return "login: the login waits for a second factor" }

// proof is what local factors have proved.
type proof struct {
	At  time.Time
	AMR []string
}

// held is a login that waits. No token waits with it: the browser fetches others.
type held struct {
	UserID, To, Org string
	CSRF            string
	At              time.Time
	Proved          *proof
}

func (h *Handler) heldName() string {
	if h.secure {
		return "__Host-held-login"
	}
	return "held-login"
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

// stepUpHeld gives a new session the time of the local factors.
func (h *Handler) stepUpHeld(w http.ResponseWriter, r *http.Request, tx *transaction) {
	if err := h.web.StepUp(w, r, tx.Proved.At, tx.Proved.AMR...); err != nil {
		h.answer(w, r, errors.Join(err, h.web.Logout(w, r)))
		return
	}
	http.Redirect(w, r, tx.To, http.StatusSeeOther)
}

func (h *Handler) held(r *http.Request) (held, bool) {
	var waits held
	ok := h.unseal(r, h.heldName(), &waits) && waits.UserID != "" && young(waits.At, heldFor)
	return waits, ok
}

// Held tells pages that ask for a second factor about the login that waits; see
// [Hold]. There is no session, so mount them without session.HTTP.Require.
func (h *Handler) Held() *Held { return &Held{h} }

// Held is the user of a login that waits. It is a guardian.Browser, and safe for
// concurrent use.
type Held struct{ h *Handler }

// UserID returns the user whose login waits, or session.ErrNone.
func (b *Held) UserID(r *http.Request) (string, error) {
	waits, ok := b.h.held(r)
	if !ok {
		return "", session.ErrNone
	}
	return waits.UserID, nil
}

// CSRF returns the name of the form field and the token that forms of these pages
// carry; the token is empty when no login waits.
func (b *Held) CSRF(r *http.Request) (field, token string) {
	waits, _ := b.h.held(r)
	return session.CSRFField, waits.CSRF
}

// ClientIP returns what session.HTTP.ClientIP does.
func (b *Held) ClientIP(r *http.Request) netip.Addr { return b.h.web.ClientIP(r) }

// StepUp notes that the user has proved a second factor at that time by the methods
// amr, "mfa" among them. The request needs the CSRF token, as a form field or as the
// header X-CSRF-Token. Call it before the body is written; then send the browser to
// where the page's parameter to says, and the login goes on. The error is
// session.ErrNone when no login waits.
func (b *Held) StepUp(w http.ResponseWriter, r *http.Request, at time.Time, amr ...string) error {
	waits, ok := b.h.held(r)
	switch {
	case !ok:
		return session.ErrNone
	case !slices.Contains(amr, "mfa"):
		return errors.New(`login: Held.StepUp needs "mfa" among the methods; a first factor alone is not what the login waits for`)
	case at.Before(waits.At.Add(-skew)) || at.After(time.Now().Add(skew)):
		return errors.New("login: Held.StepUp needs the time at which the factor was proved; it is zero, before the login or in the future")
	}
	token := r.Header.Get(session.CSRFHeader)
	if token == "" {
		token = r.PostFormValue(session.CSRFField)
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(waits.CSRF)) != 1 {
		return errors.New("login: the request has no valid csrf_token of the login that waits")
	}
	waits.Proved = &proof{At: at.UTC(), AMR: amr}
	return b.h.setSealed(w, b.h.heldName(), waits, heldFor)
}
