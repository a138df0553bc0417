package state

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// BruteForceBlock is how long a login stays blocked.
const BruteForceBlock = 30 * 24 * time.Hour

// Texts of refused logins and passwords
// (https://auth0.com/docs/secure/attack-protection/breached-password-detection).
const (
	TextBruteForce = "Your account has been blocked after multiple consecutive login attempts. We've sent you an email with instructions on how to unblock it."
	TextSuspicious = "We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator."

	CodeLeaked       = "password_leaked"
	TextLeaked       = "This login attempt has been blocked because the password you're using was previously disclosed through a data breach (not in this application)."
	TextLeakedChoice = "Password was previously disclosed through a data breach" // When it is chosen.
)

// attackKey is whose failures are counted together.
type attackKey struct {
	Identifier, IP string // ip is empty when addresses are not told apart.
}

// protection counts failed logins, by the tenant's settings. The tenant's mutex guards
// it.
type protection struct {
	settings func(path string) store.Document
	Breached map[string]bool      // Passwords.
	leaks    map[string]time.Time // That the log tells of, by event and address.
	failures map[attackKey]int
	Blocked  map[attackKey]time.Time // Since when.
	Throttle Buckets                 // Of addresses.
	signUps  Buckets
}

func (p *protection) start(settings func(string) store.Document) {
	*p = protection{
		settings: settings, Breached: map[string]bool{}, leaks: map[string]time.Time{},
		failures: map[attackKey]int{}, Blocked: map[attackKey]time.Time{}, Throttle: Buckets{}, signUps: Buckets{},
	}
}

// Limit bounds how often something may be tried: so often at once, then once more in
// every refill.
type Limit struct {
	Burst  float64
	Refill time.Duration
}

// Buckets hold what is left of limits, by whose it is.
type Buckets map[string]*bucket

type bucket struct {
	left float64
	at   time.Time
}

// Left is what is left now, to be changed in place.
func (b Buckets) Left(whose string, l Limit, now time.Time) *float64 {
	if b[whose] == nil {
		b[whose] = &bucket{l.Burst, now}
	}
	of := b[whose]
	of.left, of.at = min(l.Burst, of.left+float64(now.Sub(of.at))/float64(l.Refill)), now
	return &of.left
}

// shielded reports whether a protection is on and has a shield.
func shielded(d store.Document, shield string) bool {
	return d.Flag("enabled") && slices.Contains(d.Texts("shields"), shield)
}

// Blocks reports whether wrong passwords block an identifier.
func (p *protection) Blocks() bool { return shielded(p.settings(BruteForcePath), "block") }

func (p *protection) key(identifier, ip string) attackKey {
	k := attackKey{strings.ToLower(identifier), ip}
	if p.settings(BruteForcePath)["mode"] == "count_per_identifier" {
		k.IP = ""
	}
	return k
}

// allowed reports whether a list of addresses and networks has an address.
func allowed(list []string, ip string) bool {
	addr, err := netip.ParseAddr(ip)
	return slices.ContainsFunc(list, func(s string) bool {
		network, bad := netip.ParsePrefix(s)
		return s == ip || err == nil && bad == nil && network.Contains(addr)
	})
}

// IsBlocked reports whether an identifier is blocked from an address.
func (p *protection) IsBlocked(identifier, ip string, now time.Time) bool {
	if !p.Blocks() || allowed(p.settings(BruteForcePath).Texts("allowlist"), ip) {
		return false
	}
	k := p.key(identifier, ip)
	since, blocked := p.Blocked[k]
	if blocked && now.Sub(since) >= BruteForceBlock {
		delete(p.Blocked, k)
		return false
	}
	return blocked
}

// throttled returns the attempts that an address has left, nil if they are not
// bounded.
func (p *protection) throttled(b Buckets, stage, ip string, now time.Time) *float64 {
	d := p.settings(SuspiciousPath)
	if !shielded(d, "block") || allowed(d.Texts("allowlist"), ip) {
		return nil
	}
	of := d.Sub("stage").Sub(stage)
	return b.Left(ip, Limit{of.Number("max_attempts"), time.Duration(of.Number("rate")) * time.Millisecond}, now)
}

// IsSuspicious reports whether an address has no attempt left.
func (p *protection) IsSuspicious(ip string, now time.Time) bool {
	left := p.throttled(p.Throttle, "pre-login", ip, now)
	return left != nil && *left < 1
}

// SignsUp counts a sign-up from an address, and reports whether it is one of
// those that the address may do.
func (p *protection) SignsUp(ip string, now time.Time) bool {
	left := p.throttled(p.signUps, "pre-user-registration", ip, now)
	if left == nil {
		return true
	}
	may := *left >= 1
	if may {
		*left--
	}
	return may
}

// Failed counts a wrong password; true means that it was the one that blocks,
// and that the user shall be told.
func (p *protection) Failed(identifier, ip string, now time.Time) bool {
	if left := p.throttled(p.Throttle, "pre-login", ip, now); left != nil {
		*left = max(0, *left-1)
	}
	d, k := p.settings(BruteForcePath), p.key(identifier, ip)
	if !d.Flag("enabled") || allowed(d.Texts("allowlist"), ip) {
		return false
	}
	p.failures[k]++
	if p.failures[k] < int(d.Number("max_attempts")) {
		return false
	}
	delete(p.failures, k)
	if p.Blocks() {
		p.Blocked[k] = now
	}
	return shielded(d, "user_notification")
}

// Succeeded forgets the failures of an identifier at an address.
func (p *protection) Succeeded(identifier, ip string) { delete(p.failures, p.key(identifier, ip)) }

// BlocksOf returns from where identifiers are blocked, for the Management API.
func (p *protection) BlocksOf(identifiers []string) []attackKey {
	var out []attackKey
	for k := range maps.Keys(p.Blocked) {
		if slices.ContainsFunc(identifiers, func(id string) bool { return strings.EqualFold(id, k.Identifier) }) {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b attackKey) int { return strings.Compare(a.Identifier+" "+a.IP, b.Identifier+" "+b.IP) })
	return out
}

// Unblock lifts the blocks of identifiers.
func (p *protection) Unblock(identifiers []string) {
	for _, k := range p.BlocksOf(identifiers) {
		delete(p.Blocked, k)
	}
}

// leakLogged is how often the log tells of one address.
const leakLogged = time.Hour

// Breach returns the shields against a breached password, at a stage or, without one,
// at a login. The caller holds the mutex.
func (t *Tenant) Breach(password, stage string) (shields []string) {
	d := t.Auth.Protect.settings(BreachedPath)
	if !d.Flag("enabled") || !t.Auth.Protect.Breached[password] {
		return nil
	}
	if stage != "" {
		d = d.Sub("stage").Sub(stage)
	}
	return d.Texts("shields")
}

// Leaked reports whether a breached password is refused, and writes the log. The caller
// holds the mutex.
func (t *Tenant) Leaked(password, code, stage string, f LogFields, now time.Time) bool {
	shields, p := t.Breach(password, stage), &t.Auth.Protect
	if key := code + " " + f.IP; len(shields) > 0 && now.Sub(p.leaks[key]) >= leakLogged {
		p.leaks[key] = now
		f.Description = TextLeaked
		t.Log(code, f)
	}
	return slices.Contains(shields, "block")
}
