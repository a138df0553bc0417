// Package riskhttp asks package risk about a login of a web application, with what
// an HTTP request tells:
//
//	ip, err := riskhttp.Behind("X-Forwarded-For", netip.MustParsePrefix("10.0.0.0/8"))
//	…
//	gate, err := riskhttp.New(engine, keys, riskhttp.Config{ClientIP: ip})
//	…
//	auth, err := login.New(web, app, login.Config{Factors: factors, OnLogin: func(w http.ResponseWriter, r *http.Request, id *login.Identity) error {
//		err := gate.Check(w, r, riskhttp.Login{UserID: id.UserID, Email: id.Email, MFA: id.MFA}) // last: it learns
//		if errors.Is(err, risk.ErrChallenged) {
//			return login.ErrMFARequired // Auth0 asks; login.Hold("/verify/") for local factors
//		}
//		return err // risk.ErrDenied is answered with 403, any other with 503
//	}})
//
// OnLogin runs again after the second factor, and Check completes what it has
// challenged.
//
// # Cookies
//
// For each user a browser has a device cookie, a random id that is signed and bound
// to the user: nobody can make one, and that of another user counts for nothing. An
// id is known only after a login with it was learned. Cookies are __Host-, HttpOnly
// and SameSite=Lax, and last 400 days; a browser that many use keeps those of its 20
// newest users. A second one names the challenge that waits;
// it proves nothing.
//
// # The client's address
//
// Without Config.ClientIP no address is known, and every login meets
// risk.Config.OnMissing. Use Direct where no proxy stands before the service, and
// Behind otherwise.
//
// # Support
//
// NewSupport is a page for support staff: what was seen at logins that were
// challenged or denied, what is usual and why, and a recourse for users who were
// denied. Mount it behind your own login and roles.
package riskhttp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/internal/clientip"
	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/risk"
)

// Direct returns the address of the connection, for Config.ClientIP where no proxy
// stands before the service.
func Direct(r *http.Request) netip.Addr { return clientip.Direct(r) }

// Behind returns a function for Config.ClientIP that reads the client's address
// from header, which the proxies in trusted write, from the right over trusted
// addresses: X-Forwarded-For, Forwarded (RFC 7239), or a header with one address,
// such as CF-Connecting-IP. An error says that header is no name, or that trusted is
// empty or trusts everybody.
func Behind(header string, trusted ...netip.Prefix) (func(*http.Request) netip.Addr, error) {
	read, err := clientip.Behind(header, trusted...)
	if err != nil {
		return nil, fmt.Errorf("riskhttp: Behind: %w", err)
	}
	return read, nil
}

// Config holds a Gate's optional settings. The zero value uses the defaults.
type Config struct {
	ClientIP            func(*http.Request) netip.Addr     // Defaults to none: every login meets risk.Config.OnMissing.
	Place               func(*http.Request) *anomaly.Place // From a CDN's headers, as Cloudflare reads them. Defaults to the Detector's resolver, as does a place without any field.
	AllowInsecureCookie bool                               // For plain http on a developer's machine.
	Now                 func() time.Time                   // Defaults to time.Now.
}

// Gate checks logins. It is safe for concurrent use.
type Gate struct {
	engine *risk.Engine
	keys   *[][]byte
	cfg    Config
}

// New returns a Gate. The keys, 32 random bytes each, sign the device cookie: the
// first signs, all verify.
func New(e *risk.Engine, keys [][]byte, cfg Config) (*Gate, error) {
	if e == nil {
		return nil, errors.New("riskhttp: engine must not be nil; make one with risk.New")
	}
	if len(keys) == 0 {
		return nil, errors.New("riskhttp: keys is empty; give at least one key of 32 random bytes")
	}
	copied := make([][]byte, len(keys))
	for i, k := range keys {
		if len(k) != 32 {
			return nil, fmt.Errorf("riskhttp: keys[%d] has %d bytes; 32 are needed; decode a key in base64 or hex first", i, len(k))
		}
		copied[i] = append([]byte(nil), k...)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Gate{e, &copied, cfg}, nil
}

// Login is who has just given the right password.
type Login struct {
	UserID, Email string
	MFA           bool // A second factor was proved with this login, as login.Identity says.
}

// Format shows only the user.
func (l Login) Format(f fmt.State, _ rune) { secret.Format(f, l) }

// LogValue shows only the user.
func (l Login) LogValue() slog.Value { return secret.Shown(slog.String("user", l.UserID)) }

// MarshalJSON shows only the user.
func (l Login) MarshalJSON() ([]byte, error) { return secret.JSON(l) }

// Check decides about a login: nil lets it go on, risk.ErrChallenged asks for a
// second factor, risk.ErrDenied ends it, and so does any other error. Call it after
// all other checks, because it learns, and before the body is written, because it
// sets cookies. With MFA it ends the challenge of this user that this browser had;
// without one that waits, the login is judged again and only a denial stops it.
func (g *Gate) Check(w http.ResponseWriter, r *http.Request, l Login) error {
	ctx := r.Context()
	if l.MFA {
		err := g.answer(w, r, l)
		if !errors.Is(err, risk.ErrNoDecision) {
			return err
		}
	}
	d, err := g.engine.Evaluate(ctx, risk.Login{Attempt: g.Attempt(w, r, l.UserID), Email: l.Email, MFA: l.MFA})
	if err != nil {
		return err
	}
	if err = g.engine.Apply(ctx, d); errors.Is(err, risk.ErrChallenged) {
		g.set(w, g.name("challenge", l.UserID), d.ID, time.Hour)
	}
	return err
}

// answer completes the challenge that the browser names.
func (g *Gate) answer(w http.ResponseWriter, r *http.Request, l Login) error {
	name := g.name("challenge", l.UserID)
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > 64 {
		return risk.ErrNoDecision
	}
	g.set(w, name, "", -1)
	return g.engine.Complete(r.Context(), l.UserID, c.Value, risk.StepUpPassed)
}

// Attempt returns what a request tells about a login, for an engine that is called
// by hand, and sets the device cookie of the user. What a header says wrongly is
// left out, so that no client's header is an error.
func (g *Gate) Attempt(w http.ResponseWriter, r *http.Request, userID string) anomaly.Attempt {
	a := anomaly.Attempt{UserID: userID, Time: g.cfg.Now(), UserAgent: userAgent(r), DeviceID: g.device(w, r, userID)}
	if g.cfg.ClientIP != nil {
		a.IP = g.cfg.ClientIP(r)
	}
	if g.cfg.Place != nil {
		a.Place = tolerate(g.cfg.Place(r))
	}
	return a
}

// device reads the id of the user's device cookie, or makes one.
func (g *Gate) device(w http.ResponseWriter, r *http.Request, userID string) string {
	name := g.name("device", userID)
	id := ""
	for _, c := range r.CookiesNamed(name) {
		if known, ok := g.verify(c.Value, userID); ok {
			id = known
			break
		}
	}
	if id == "" {
		id = rand.Text()
		g.makeRoom(w, r)
	}
	g.set(w, name, id+"."+sign((*g.keys)[0], userID, id), 400*24*time.Hour)
	return id
}

// maxDevices is how many device cookies a browser keeps: with those of hundreds of
// users its requests would be too large for most servers.
const maxDevices = 20

// makeRoom has the browser drop the device cookies that it made first.
func (g *Gate) makeRoom(w http.ResponseWriter, r *http.Request) {
	var ours []string
	for _, c := range r.Cookies() {
		if rest, ok := strings.CutPrefix(c.Name, g.prefix("device")); ok && len(rest) == 2*nameBytes {
			ours = append(ours, c.Name)
		}
	}
	for len(ours) >= maxDevices {
		g.set(w, ours[0], "", -1)
		ours = ours[1:]
	}
}

func (g *Gate) verify(value, userID string) (id string, ok bool) {
	id, mac, found := strings.Cut(value, ".")
	if !found || len(id) != 26 {
		return "", false
	}
	for _, key := range *g.keys {
		if hmac.Equal([]byte(mac), []byte(sign(key, userID, id))) {
			return id, true
		}
	}
	return "", false
}

func sign(key []byte, userID, id string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("auth0kit/riskhttp device v1\x00" + id + "\x00" + userID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// name is that of a cookie of one user, of whom it tells nothing to scripts and logs.
func (g *Gate) name(kind, userID string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + userID))
	return g.prefix(kind) + hex.EncodeToString(sum[:nameBytes])
}

const nameBytes = 6

func (g *Gate) prefix(kind string) string {
	if g.cfg.AllowInsecureCookie {
		return kind + "-"
	}
	return "__Host-" + kind + "-"
}

func (g *Gate) set(w http.ResponseWriter, name, value string, age time.Duration) {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true,
		Secure: !g.cfg.AllowInsecureCookie, SameSite: http.SameSiteLaxMode,
	}
	if age < 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
