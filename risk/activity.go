package risk

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
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
	dayWindow      = 24 * time.Hour
)

// probe is one count: what, of whom, for how long.
type probe struct {
	kind      string
	of        func(Login) string // empty: nothing is counted
	window    time.Duration
	members   bool // count users, not events
	onFailure bool // added by Failed, read by Evaluate; else added by Evaluate
}

// measure is what a count says: nothing up to `usual`, then a share of the
// logarithm, up to `limit`. Failures of a user say little and are bounded
// accordingly: anybody can cause them, and must not lock the user out. Users that
// fail from one address are a guessing machine, or a shared exit with one behind
// it; the bounds keep a large NAT below a denial. Where there is a base, its count
// times share is usual too: agents and devices that many use, and
// failures of all day. The constants are set by hand: there is no public data to fit
// them to.
type measure struct {
	probe
	base                *probe
	share               float64
	usual, slope, limit float64
	text                string
}

var measures = []measure{
	{probe{"fail:user", userOf, failureWindow, false, true}, nil, 0, 3, 0.5, 1.5, "failures of the user"},
	{probe{"fail:user", emailOf, failureWindow, false, true}, nil, 0, 3, 0.5, 1.5, "failures under the email address"},
	{probe{"fail:addr", addressOf, failureWindow, true, true}, nil, 0, 4, 0.9, 3, "users failing from the address"},
	{probe{"fail:net", networkOf, failureWindow, true, true}, nil, 0, 20, 0.5, 1.5, "users failing from the network"},
	{probe{"fail:device", deviceOf, failureWindow, true, true},
		&probe{"seen:device", deviceOf, failureWindow, true, false}, 1, 2, 0.9, 3, "users failing with the device id"},
	{probe{"fail:agent", agentOf, failureWindow, true, true},
		&probe{"seen:agent", agentOf, failureWindow, true, false}, 1, 20, 0.4, 1.5, "users failing with the user agent"},
	{probe{"fail:all", everybody, velocityWindow, false, true},
		&probe{"fail:day", everybody, dayWindow, false, true}, 4 * float64(velocityWindow) / float64(dayWindow), 50, 0.4, 1, "failures of anybody in 10 minutes"},
	{probe{"seen:addr", addressOf, velocityWindow, true, false}, nil, 0, 20, 0.5, 1.5, "users from the address in 10 minutes"},
}

// userOf meets emailOf where the id is an address.
func userOf(l Login) string {
	if strings.Contains(l.UserID, "@") {
		return strings.ToLower(l.UserID)
	}
	return l.UserID
}

// emailOf meets the name that was tried when a password was wrong.
func emailOf(l Login) string {
	name := l.Email
	if name == "" || strings.EqualFold(name, l.UserID) {
		return ""
	}
	return strings.ToLower(name)
}

func deviceOf(l Login) string { return l.DeviceID }

func agentOf(l Login) string { return cut(l.UserAgent, maxText) }

func everybody(Login) string { return "all" }

// networkOf is the /24 or /48.
func networkOf(l Login) string {
	ip, bits := publicip.Plain(l.IP), 24
	if !ip.Is4() {
		bits = 48
	}
	if prefix, err := ip.Prefix(bits); err == nil && publicip.Is(ip) {
		return prefix.String()
	}
	return ""
}

// addressOf is empty for addresses that many share by configuration. Of IPv6 it
// is the /64: a client moves freely within one.
func addressOf(l Login) string {
	ip := publicip.Plain(l.IP)
	if !publicip.Is(ip) {
		return ""
	}
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return netip.Addr.String(ip)
}

// apart counts challenges and denials beside the rest. Anybody can have a new key
// made by a login that fails, and a MemoryCounters drops old ones for them.
type apart struct{ rest, challenges *MemoryCounters }

// Add implements Counters.
func (a apart) Add(ctx context.Context, items []Count) ([]Tally, error) {
	out := make([]Tally, 0, len(items))
	for i, item := range items {
		to := a.rest
		if strings.HasPrefix(item.Key, challengeKey) || strings.HasPrefix(item.Key, deniedKey) {
			to = a.challenges
		}
		tally, err := to.Add(ctx, items[i:i+1])
		if err != nil {
			return nil, err
		}
		out = append(out, tally...)
	}
	return out, nil
}

// The kinds of counts that take a right password.
const challengeKey, deniedKey = "challenge:", "denied:"

// counter counts under keyed names, so that a copy of the counters shows neither
// addresses nor device ids.
type counter struct {
	store    Counters
	fallback Counters // for challenges, when store fails
	key      []byte
}

func newCounter(store Counters, key []byte) (*counter, error) {
	if m, ok := store.(*MemoryCounters); ok {
		store = apart{m, NewMemoryCounters(0)}
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "auth0kit/risk counters v1", 32)
	return &counter{store, NewMemoryCounters(20_000), derived}, err
}

// name is empty for an empty value.
func (c *counter) name(kind, value string) string {
	if value == "" {
		return ""
	}
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(kind + "\x00" + value))
	return kind + ":" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:15])
}

// items are the counts of a login; member adds to those of its side.
func (c *counter) items(l Login, failure bool, member string) (items []Count, at []int) {
	add := func(p *probe) int {
		name := ""
		if p != nil {
			name = c.name(p.kind, p.of(l))
		}
		if name == "" {
			return -1
		}
		item := Count{Key: name, Window: p.window, At: l.Time}
		if p.onFailure == failure {
			item.Member = member
		}
		items = append(items, item)
		return len(items) - 1
	}
	for i := range measures {
		at = append(at, add(&measures[i].probe), add(measures[i].base))
	}
	return items, at
}

// activity is what was counted about a login.
type activity struct {
	err    error
	sum    float64
	detail string
	open   challenges
}

// challenges are those of a user that were started and not passed within a day,
// and those that were started lately.
type challenges struct{ open, lately int }

// read counts a login whose password was right.
func (c *counter) read(ctx context.Context, l Login) (out activity) {
	if l.UserID == "" || l.Time.IsZero() {
		return activity{err: errors.New("not a login")}
	}
	items, at := c.items(l, false, l.UserID)
	asked := len(items)
	items = append(items, c.challenges(l.UserID, l.Time, false)...)
	tallies, err := c.store.Add(ctx, items)
	if err != nil || len(tallies) != len(items) {
		return activity{err: errors.Join(errors.New("no tallies"), err)}
	}
	out.open = opened(tallies[asked:])
	var details []string
	ofUser := 0.0 // The same failures may count under the id and under the address.
	for i, m := range measures {
		n, odds := m.odds(tallies, at[2*i], at[2*i+1])
		if odds == 0 {
			continue
		}
		details = append(details, fmt.Sprintf("%d %s", n, m.text))
		if m.kind == "fail:user" {
			odds, ofUser = max(0, odds-ofUser), max(odds, ofUser)
		}
		out.sum += odds
	}
	out.sum, out.detail = min(out.sum, maxActivity), strings.Join(details, ", ")
	return out
}

func (m *measure) odds(tallies []Tally, at, base int) (n int, odds float64) {
	if at < 0 {
		return 0, 0
	}
	n, usual := m.tally(tallies[at]), m.usual
	if base >= 0 {
		usual = max(usual, m.share*float64(m.base.tally(tallies[base])))
	}
	if float64(n) <= usual {
		return n, 0
	}
	return n, min(m.limit, m.slope*math.Log(float64(n)/usual*2))
}

func (p *probe) tally(t Tally) int {
	if p.members {
		return t.Members
	}
	return t.Events
}

const maxActivity = 3.5

// maxLately is how many challenges of one user start within a minute.
const maxLately = 3

// challenges are the counts of a user's challenges: started, passed, and started
// lately; start adds one.
func (c *counter) challenges(userID string, at time.Time, start bool) []Count {
	member := ""
	if start {
		member = "1"
	}
	return []Count{
		{Key: c.name(challengeKey+"started", userID), Member: member, Window: dayWindow, At: at},
		{Key: c.name(challengeKey+"passed", userID), Window: dayWindow, At: at},
		{Key: c.name(challengeKey+"lately", userID), Member: member, Window: time.Minute, At: at},
	}
}

func opened(t []Tally) challenges {
	return challenges{open: max(0, t[0].Events-t[1].Events), lately: t[2].Events}
}

// start counts one more challenge and returns how many there were before. If the
// counters fail it counts in this process: pushes stay bounded.
func (c *counter) start(ctx context.Context, timeout time.Duration, userID string, at time.Time) challenges {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	items := c.challenges(userID, at, true)
	tallies, err := c.store.Add(ctx, items)
	if err != nil || len(tallies) != len(items) {
		if tallies, err = c.fallback.Add(context.WithoutCancel(ctx), items); err != nil {
			return challenges{open: math.MaxInt32}
		}
	}
	after := opened(tallies)
	return challenges{max(0, after.open-1), max(0, after.lately-1)}
}

// once reports whether this is the first call for a user within a day.
func (c *counter) once(ctx context.Context, timeout time.Duration, userID string, at time.Time) bool {
	return c.atMost(ctx, timeout, Count{Key: c.name(challengeKey+"told", userID), Member: "1", Window: dayWindow, At: at}, 1)
}

// maxDenied is how many denials of a user are kept within an hour, or as long as a
// challenge waits.
const maxDenied = 20

// few reports whether a denial is to be kept. With those of a whole attack, a store
// that keeps MaxRecords would drop the challenge that the user is answering.
func (c *counter) few(ctx context.Context, timeout time.Duration, userID string, at time.Time, window time.Duration) bool {
	return c.atMost(ctx, timeout, Count{Key: c.name(deniedKey+"kept", userID), Member: "1", Window: window, At: at}, maxDenied)
}

// atMost counts an event and reports whether it is one of the first n.
func (c *counter) atMost(ctx context.Context, timeout time.Duration, item Count, n int) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tallies, err := c.store.Add(ctx, []Count{item})
	if err != nil {
		tallies, err = c.fallback.Add(context.WithoutCancel(ctx), []Count{item})
	}
	return err == nil && len(tallies) == 1 && tallies[0].Events <= n
}

// passed takes one challenge off. One that is not taken off counts as left.
func (c *counter) passed(ctx context.Context, timeout time.Duration, userID string, at time.Time) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	items := []Count{{Key: c.name(challengeKey+"passed", userID), Member: "1", Window: dayWindow, At: at}}
	if _, err := c.store.Add(ctx, items); err != nil {
		_, _ = c.fallback.Add(context.WithoutCancel(ctx), items)
	}
}
