package state

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Auth0's defaults of attack protection.
const (
	bruteForceAttempts = 10
	BruteForceBlock    = 30 * 24 * time.Hour
	suspiciousAttempts = 100
	suspiciousRefill   = 864 * time.Second // One more attempt.
	signUps            = 50
	signUpRefill       = 1200 * time.Millisecond
)

// Texts of a blocked login.
const (
	TextBruteForce = "Your account has been blocked after multiple consecutive login attempts. We've sent you an email with instructions on how to unblock it."
	TextSuspicious = "We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator."
)

// attackKey is whose failures are counted together.
type attackKey struct {
	Identifier, IP string // ip is empty when addresses are not told apart.
}

// protection counts failed logins. The tenant's mutex guards it.
type protection struct {
	BruteForce struct {
		Enabled      bool // Failures are counted.
		Block        bool // And block.
		Notify       bool // And the user is told by mail.
		Attempts     int
		ByIdentifier bool // count_per_identifier instead of count_per_identifier_and_ip.
		Allow        []string
	}
	Suspicious struct {
		Enabled  bool
		Attempts int
		Refill   time.Duration
		Allow    []string

		SignUps      int // Of an address, and when one more is added.
		SignUpRefill time.Duration
	}
	Breached breachDetection
	failures map[attackKey]int
	Blocked  map[attackKey]time.Time // Since when.
	Throttle map[string]*AttackBucket
	signUps  map[string]*AttackBucket
}

// AttackBucket holds the attempts that an address has left.
type AttackBucket struct {
	Left float64
	At   time.Time
}

func (p *protection) start() {
	b := &p.BruteForce
	b.Enabled, b.Block, b.Notify, b.Attempts = true, true, true, bruteForceAttempts
	p.Suspicious.Enabled, p.Suspicious.Attempts, p.Suspicious.Refill = true, suspiciousAttempts, suspiciousRefill
	p.Suspicious.SignUps, p.Suspicious.SignUpRefill = signUps, signUpRefill
	p.failures, p.Blocked = map[attackKey]int{}, map[attackKey]time.Time{}
	p.Throttle, p.signUps = map[string]*AttackBucket{}, map[string]*AttackBucket{}
}

func (p *protection) key(identifier, ip string) attackKey {
	k := attackKey{strings.ToLower(identifier), ip}
	if p.BruteForce.ByIdentifier {
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
	if !p.BruteForce.Enabled || !p.BruteForce.Block || allowed(p.BruteForce.Allow, ip) {
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

// IsSuspicious reports whether an address has no attempt left.
func (p *protection) IsSuspicious(ip string, now time.Time) bool {
	if !p.Suspicious.Enabled || allowed(p.Suspicious.Allow, ip) || p.Throttle[ip] == nil {
		return false
	}
	return p.bucket(ip, now).Left < 1
}

func (p *protection) bucket(ip string, now time.Time) *AttackBucket {
	return filled(p.Throttle, ip, p.Suspicious.Attempts, p.Suspicious.Refill, now)
}

// filled is the bucket of an address, with what was added since.
func filled(all map[string]*AttackBucket, ip string, most int, refill time.Duration, now time.Time) *AttackBucket {
	b := all[ip]
	if b == nil {
		b = &AttackBucket{Left: float64(most), At: now}
		all[ip] = b
	}
	b.Left = min(float64(most), b.Left+float64(now.Sub(b.At))/float64(refill))
	b.At = now
	return b
}

// SignsUp counts a sign-up from an address, and reports whether it is one of
// those that the address may do.
func (p *protection) SignsUp(ip string, now time.Time) bool {
	if !p.Suspicious.Enabled || allowed(p.Suspicious.Allow, ip) {
		return true
	}
	b := filled(p.signUps, ip, p.Suspicious.SignUps, p.Suspicious.SignUpRefill, now)
	if b.Left < 1 {
		return false
	}
	b.Left--
	return true
}

// Failed counts a wrong password; true means that it was the one that blocks,
// and that the user shall be told.
func (p *protection) Failed(identifier, ip string, now time.Time) bool {
	if p.Suspicious.Enabled {
		b := p.bucket(ip, now)
		b.Left = max(0, b.Left-1)
	}
	if !p.BruteForce.Enabled || allowed(p.BruteForce.Allow, ip) {
		return false
	}
	k := p.key(identifier, ip)
	p.failures[k]++
	if p.failures[k] < p.BruteForce.Attempts {
		return false
	}
	delete(p.failures, k)
	if p.BruteForce.Block {
		p.Blocked[k] = now
	}
	return p.BruteForce.Notify
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
