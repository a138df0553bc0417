package login

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	patience = time.Hour        // how long a login may take, a sign-up with a mail in it included
	heldFor  = 10 * time.Minute // how long a login waits for local factors
	maxOpen  = 5                // logins under way in one browser; each has a cookie of some 500 bytes
	maxKept  = 4 << 10          // bytes of them that are kept beside a new one: proxies take headers of 8 kB
)

// transaction is a login under way. It waits in the browser, sealed, in a cookie
// that is named by its state.
type transaction struct {
	state    string
	Nonce    string
	Verifier string // PKCE
	To       string // the page to come back to
	At       time.Time
	Org      string // id or name of the organization that was asked for
	UserID   string // who must come back; empty: anybody
	MFA      bool   // a second factor was asked for
	StepUp   bool   // of a session that there is
	Again    bool   // after a revocation
	Proved   *proof // by local factors, before UserID comes back
}

// held is a login that waits. No token waits with it: the browser fetches others.
type held struct {
	UserID, To, Org string
	CSRF            string
	At              time.Time
	Proved          *proof
}

// box seals transactions under the Manager's keys.
type box struct {
	seal func(value, place []byte) []byte
	open func(sealed, place []byte) ([]byte, error)
}

func (h *Handler) prefix() string {
	if h.secure {
		return "__Host-login-"
	}
	return "login-"
}

func (h *Handler) cookie(name, value string, maxAge time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(maxAge.Seconds()),
		Secure: h.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode, // Auth0 comes back by a link
	}
}

// keep gives the browser the transaction, under a new state.
func (h *Handler) keep(w http.ResponseWriter, r *http.Request, tx *transaction) error {
	h.makeRoom(w, r)
	tx.state, tx.Nonce, tx.Verifier = rand.Text(), rand.Text(), rand.Text()+rand.Text()
	return h.setSealed(w, h.prefix()+tx.state, tx, patience)
}

// take returns the transaction of a state, once for each browser.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, state string) (*transaction, bool) {
	tx, ok := h.read(r, h.prefix()+state)
	if ok {
		tx.state = state
		http.SetCookie(w, h.cookie(h.prefix()+state, "", -time.Second))
	}
	return tx, ok
}

func (h *Handler) read(r *http.Request, name string) (*transaction, bool) {
	var tx transaction
	return &tx, h.unseal(r, name, &tx) && young(tx.At, patience)
}

func young(at time.Time, limit time.Duration) bool {
	age := time.Since(at)
	return age < limit && age > -skew
}

// setSealed gives the browser a cookie that this package alone can read.
func (h *Handler) setSealed(w http.ResponseWriter, name string, v any, life time.Duration) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return err
	}
	http.SetCookie(w, h.cookie(name, base64.RawURLEncoding.EncodeToString(h.box.seal(plain, []byte(name))), life))
	return nil
}

// unseal reads one. Two of one name are an attempt to plant one: none counts.
func (h *Handler) unseal(r *http.Request, name string, v any) bool {
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 {
		return false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookies[0].Value)
	if err != nil {
		return false
	}
	plain, err := h.box.open(sealed, []byte(name))
	return err == nil && json.Unmarshal(plain, v) == nil
}

func (h *Handler) heldName() string {
	if h.secure {
		return "__Host-held-login"
	}
	return "held-login"
}

func (h *Handler) held(r *http.Request) (held, bool) {
	var waits held
	ok := h.unseal(r, h.heldName(), &waits) && waits.UserID != "" && young(waits.At, heldFor)
	return waits, ok
}

// makeRoom takes back the oldest transactions, and what is none any more.
func (h *Handler) makeRoom(w http.ResponseWriter, r *http.Request) {
	type open struct {
		name string
		at   time.Time
		size int
	}
	var all []open
	for _, c := range r.Cookies() {
		if !strings.HasPrefix(c.Name, h.prefix()) {
			continue
		}
		o := open{name: c.Name, size: len(c.Value)}
		if tx, ok := h.read(r, c.Name); ok {
			o.at = tx.At
		}
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b open) int { return b.at.Compare(a.at) })
	size := 0
	for i, o := range all {
		if size += o.size; i >= maxOpen-1 || size > maxKept || o.at.IsZero() {
			http.SetCookie(w, h.cookie(o.name, "", -time.Second))
		}
	}
}

// localPath returns to if it is a path of this site that a browser cannot read as
// another address, and "/" otherwise.
func localPath(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || len(to) > 1000 ||
		strings.ContainsFunc(to, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
		return "/"
	}
	if u, err := url.Parse(to); err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(u.Path, "//") || strings.ContainsRune(u.Path, '\\') {
		return "/"
	}
	return to
}
