package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/geoip"
	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
)

// buildRisk: each sign-in is compared with the earlier ones of its user.
func (p *portal) buildRisk(_ context.Context, env func(string) string) (err error) {
	geo, err := p.geo(env("GEOIP_CITY"))
	if err != nil {
		return err
	}
	if p.detector, err = anomaly.New(p.profiles, [][]byte{p.key}, anomaly.Config{Geo: geo}); err != nil {
		return err
	}
	cfg := risk.Config{Counters: p.counters, Decisions: p.waiting, Keys: [][]byte{p.key}, Recorder: p.log}
	if p.plain() {
		cfg.OnMissing = risk.Allow // localhost is nowhere, and who has no factor yet could never sign in
	}
	if p.risk, err = risk.New(p.detector, cfg); err != nil {
		return err
	}
	p.gate, err = riskhttp.New(p.risk, [][]byte{p.key}, riskhttp.Config{ClientIP: p.clientIP, AllowInsecureCookie: p.plain()})
	return err
}

// geo says where addresses are: by a file of GeoLite2 or the like, or as the
// demonstration pretends. Without either, networks are compared and places are not.
func (p *portal) geo(file string) (anomaly.GeoResolver, error) {
	switch {
	case file != "":
		r, err := geoip.Open(geoip.Files{City: file})
		if err == nil {
			p.closers = append(p.closers, func() { _ = r.Close() })
		}
		return r, err
	case p.demo != nil:
		return p.demo, nil
	}
	return nil, nil
}

var errNoFactor = errors.New("portal: the sign-in is unusual, and its user has no second factor to confirm it with")

// judge decides about a login, which has passed Auth0. A login that is unusual waits
// for a second factor of ours and comes back. Whoever has none is refused; only a first
// sign-in that is a little unusual, and one to an account that was closed and is open
// again, comes in, unproved, to set one up: see settled.
func (p *portal) judge(w http.ResponseWriter, r *http.Request, id *login.Identity) (unproved bool, err error) {
	err = p.gate.Check(w, r, riskhttp.Login{UserID: id.UserID, Email: id.Email, MFA: id.MFA})
	if !errors.Is(err, risk.ErrChallenged) {
		return false, err
	}
	have, err := p.factors.Enrollments(r.Context(), id.UserID)
	if err != nil {
		return false, err
	}
	for _, e := range have {
		if e.Confirmed && (e.Factor == guardian.LocalTOTP || e.Factor == guardian.Passkey) {
			return false, login.Hold("/verify/")
		}
	}
	unusual, err := p.risk.History(r.Context(), id.UserID)
	if err != nil {
		return false, err
	}
	if len(unusual) > 0 && unusual[0].First && (unusual[0].Action == risk.PromptVerification || distrusted(unusual[0])) {
		return true, nil
	}
	return false, fmt.Errorf("%w: %w", login.ErrRefused, errNoFactor)
}

// distrusted reports whether the account was closed since a factor was proved last.
func distrusted(d risk.Decision) bool {
	return slices.ContainsFunc(d.Factors, func(s risk.Share) bool { return s.Name == "distrusted" })
}

// settled keeps whoever came in unproved from everything but the pages that set a second
// factor up: whoever has only the password must not learn from it what is kept here.
// With the first proof the sign-in is learned as the user's.
func (p *portal) settled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, s := profileOf(r)
		if s == nil || !v.Unproved {
			next.ServeHTTP(w, r)
			return
		}
		if s.AuthenticatedBy("mfa").IsZero() {
			p.pages.Show(w, r, http.StatusForbidden, "refused", site.Page{
				Title: "Set up a second factor first", Lead: "Nothing but the password says that this sign-in is yours.", Data: signIn{"/mfa/", "Set one up"},
			})
			return
		}
		err := p.gate.Check(w, r, riskhttp.Login{UserID: s.UserID, Email: v.Email, MFA: true}) // which ends what waits
		if err == nil {
			v.Unproved = false
			err = p.web.Update(r, func([]byte) ([]byte, error) { return json.Marshal(v) })
		}
		switch {
		case err == nil:
			next.ServeHTTP(w, r)
		case errors.Is(err, risk.ErrDenied):
			p.web.Refuse(w, r, session.Refusal{Status: http.StatusForbidden, Reason: "refused", Err: err})
		default:
			p.broken(w, r, err)
		}
	})
}

// place is where a browser of the demonstration pretends to be. The addresses are of
// RFC 2544, and the networks of RFC 5398: nobody's.
type place struct {
	Name string
	IP   netip.Addr
	anomaly.Place
}

var places = []place{
	{"Oslo, at home", netip.MustParseAddr("198.18.1.10"), anomaly.Place{Country: "NO", Lat: 59.91, Lon: 10.75, Radius: 20, ASN: 64496, Zone: "Europe/Oslo"}},
	{"Hanoi", netip.MustParseAddr("198.19.2.10"), anomaly.Place{Country: "VN", Lat: 21.03, Lon: 105.85, Radius: 20, ASN: 64507, Zone: "Asia/Ho_Chi_Minh"}},
}

// Resolve implements anomaly.GeoResolver.
func (d *demo) Resolve(ip netip.Addr) (anomaly.Place, error) {
	for _, p := range places {
		if net, err := p.IP.Prefix(16); err == nil && net.Contains(ip) {
			return p.Place, nil
		}
	}
	return anomaly.Place{}, nil
}

// address is where the browser of a request pretends to be.
func (d *demo) address(r *http.Request) netip.Addr {
	if c, err := r.Cookie("demo-place"); err == nil {
		if ip, err := netip.ParseAddr(c.Value); err == nil {
			return ip
		}
	}
	return places[0].IP
}

// past lets somebody have signed in at home for a month.
func (p *portal) past(ctx context.Context, userID string) error {
	for day := 30; day > 0; day-- {
		at := time.Now().AddDate(0, 0, -day)
		for _, hour := range []int{-3, 0, 4} {
			a := anomaly.Attempt{UserID: userID, Time: at.Add(time.Duration(hour) * time.Hour), IP: places[0].IP, DeviceID: "their own computer", UserAgent: demoAgent}
			if err := p.detector.Learn(ctx, a, anomaly.Proved); err != nil {
				return err
			}
		}
	}
	return nil
}

const demoAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
