package risk

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/publicip"
)

// Windows of what is counted.
const (
	failureWindow  = time.Hour
	velocityWindow = 10 * time.Minute
)

// measure is one count and what it says: nothing up to `usual`, then a share of
// the logarithm, up to `limit`. Failures of a user say little and are bounded
// accordingly: anybody can cause them, and must not lock the user out. Users that
// fail from one address are a guessing machine, or a shared exit with one behind
// it; the bounds keep a large NAT below a denial. The constants are set by hand:
// there is no public data to fit them to.
type measure struct {
	key                 func(Login) string
	window              time.Duration
	members             bool // count users, not events
	onFailure           bool // added by Failed, read by Evaluate; else added by Evaluate
	usual, slope, limit float64
	text                string
}

var measures = []measure{
	{userKey, failureWindow, false, true, 3, 0.5, 1.5, "failures of the user"},
	{addressKey, failureWindow, true, true, 4, 0.9, 3, "users failing from the address"},
	{networkKey, failureWindow, true, true, 20, 0.5, 1.5, "users failing from the network"},
	{speedKey, velocityWindow, true, false, 20, 0.5, 1.5, "users from the address in 10 minutes"},
}

func userKey(l Login) string { return "fail:user:" + l.UserID }

func addressKey(l Login) string { return addressOf("fail:addr:", l.IP) }

func speedKey(l Login) string { return addressOf("seen:addr:", l.IP) }

// networkKey is the /24 or /48.
func networkKey(l Login) string {
	ip, bits := l.IP.Unmap(), 24
	if !ip.Is4() {
		bits = 48
	}
	if prefix, err := ip.Prefix(bits); err == nil && publicip.Is(ip) {
		return "fail:net:" + prefix.String()
	}
	return ""
}

// addressOf is empty for addresses that many share by configuration. Of IPv6 it
// is the /64: a client moves freely within one.
func addressOf(kind string, ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if !publicip.Is(ip) {
		return ""
	}
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return kind + prefix.String()
		}
	}
	return kind + ip.String()
}

// activity adds the factor of failures and velocity.
func (e *Engine) activity(ctx context.Context, d *Decision) float64 {
	used, items := counts(d.Login, func(m measure) string {
		if m.onFailure {
			return ""
		}
		return d.Login.UserID
	})
	tallies, err := e.cfg.Counters.Add(ctx, items)
	if err != nil || len(tallies) != len(items) {
		d.Missing = append(d.Missing, factorActivity)
		return 0
	}
	sum := 0.0
	var details []string
	for i, m := range used {
		n := tallies[i].Events
		if m.members {
			n = tallies[i].Members
		}
		if logOdds := m.logOdds(n); logOdds > 0 {
			sum += logOdds
			details = append(details, fmt.Sprintf("%d %s", n, m.text))
		}
	}
	sum = min(sum, maxActivity)
	d.add(factorActivity, sum, strings.Join(details, ", "))
	return sum
}

const maxActivity = 3.5

func (m measure) logOdds(n int) float64 {
	if float64(n) <= m.usual {
		return 0
	}
	return min(m.limit, m.slope*math.Log(float64(n)/m.usual*2))
}

func counts(l Login, member func(measure) string) (used []measure, items []Count) {
	for _, m := range measures {
		if key := m.key(l); key != "" {
			used = append(used, m)
			items = append(items, Count{key, member(m), m.window, l.Time})
		}
	}
	return used, items
}

// Failed counts a login with a wrong password or to an account that does not
// exist. Such a login is never learned.
func (e *Engine) Failed(ctx context.Context, l Login) error {
	if l.UserID == "" {
		return errors.New("risk: failed: Login.UserID must be set, if only to the name that was tried")
	}
	if l.Time.IsZero() {
		return errors.New("risk: failed: Login.Time must be set")
	}
	l.UserID = l.UserID[:min(len(l.UserID), 255)]
	_, items := counts(l, func(m measure) string {
		if m.onFailure {
			return l.UserID
		}
		return ""
	})
	if _, err := e.cfg.Counters.Add(ctx, items); err != nil {
		return fmt.Errorf("risk: failed: %w", err)
	}
	return nil
}
