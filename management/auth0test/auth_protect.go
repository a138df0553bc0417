package auth0test

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
	bruteForceBlock    = 30 * 24 * time.Hour
	suspiciousAttempts = 100
	suspiciousRefill   = 864 * time.Second // One more attempt.
)

// Texts of a blocked login.
const (
	textBruteForce = "Your account has been blocked after multiple consecutive login attempts. We've sent you an email with instructions on how to unblock it."
	textSuspicious = "We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator."
)

// attackKey is whose failures are counted together.
type attackKey struct {
	identifier, ip string // ip is empty when addresses are not told apart.
}

// protection counts failed logins. The tenant's mutex guards it.
type protection struct {
	bruteForce struct {
		enabled      bool // Failures are counted.
		block        bool // And block.
		notify       bool // And the user is told by mail.
		attempts     int
		byIdentifier bool // count_per_identifier instead of count_per_identifier_and_ip.
		allow        []string
	}
	suspicious struct {
		enabled  bool
		attempts int
		refill   time.Duration
		allow    []string
	}
	breached breachDetection
	failures map[attackKey]int
	blocked  map[attackKey]time.Time // Since when.
	throttle map[string]*attackBucket
}

// attackBucket holds the attempts that an address has left.
type attackBucket struct {
	left float64
	at   time.Time
}

func (p *protection) start() {
	b := &p.bruteForce
	b.enabled, b.block, b.notify, b.attempts = true, true, true, bruteForceAttempts
	p.suspicious.enabled, p.suspicious.attempts, p.suspicious.refill = true, suspiciousAttempts, suspiciousRefill
	p.failures, p.blocked = map[attackKey]int{}, map[attackKey]time.Time{}
	p.throttle = map[string]*attackBucket{}
}

func (p *protection) key(identifier, ip string) attackKey {
	k := attackKey{strings.ToLower(identifier), ip}
	if p.bruteForce.byIdentifier {
		k.ip = ""
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

// isBlocked reports whether an identifier is blocked from an address.
func (p *protection) isBlocked(identifier, ip string, now time.Time) bool {
	if !p.bruteForce.enabled || !p.bruteForce.block || allowed(p.bruteForce.allow, ip) {
		return false
	}
	k := p.key(identifier, ip)
	since, blocked := p.blocked[k]
	if blocked && now.Sub(since) >= bruteForceBlock {
		delete(p.blocked, k)
		return false
	}
	return blocked
}

// isSuspicious reports whether an address has no attempt left.
func (p *protection) isSuspicious(ip string, now time.Time) bool {
	if !p.suspicious.enabled || allowed(p.suspicious.allow, ip) || p.throttle[ip] == nil {
		return false
	}
	return p.bucket(ip, now).left < 1
}

func (p *protection) bucket(ip string, now time.Time) *attackBucket {
	b := p.throttle[ip]
	if b == nil {
		b = &attackBucket{left: float64(p.suspicious.attempts), at: now}
		p.throttle[ip] = b
	}
	b.left = min(float64(p.suspicious.attempts), b.left+float64(now.Sub(b.at))/float64(p.suspicious.refill))
	b.at = now
	return b
}

// failed counts a wrong password; true means that it was the one that blocks,
// and that the user shall be told.
func (p *protection) failed(identifier, ip string, now time.Time) bool {
	if p.suspicious.enabled {
		b := p.bucket(ip, now)
		b.left = max(0, b.left-1)
	}
	if !p.bruteForce.enabled || allowed(p.bruteForce.allow, ip) {
		return false
	}
	k := p.key(identifier, ip)
	p.failures[k]++
	if p.failures[k] < p.bruteForce.attempts {
		return false
	}
	delete(p.failures, k)
	if p.bruteForce.block {
		p.blocked[k] = now
	}
	return p.bruteForce.notify
}

// succeeded forgets the failures of an identifier at an address.
func (p *protection) succeeded(identifier, ip string) { delete(p.failures, p.key(identifier, ip)) }

// blocksOf returns from where identifiers are blocked, for the Management API.
func (p *protection) blocksOf(identifiers []string) []attackKey {
	var out []attackKey
	for k := range maps.Keys(p.blocked) {
		if slices.ContainsFunc(identifiers, func(id string) bool { return strings.EqualFold(id, k.identifier) }) {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b attackKey) int { return strings.Compare(a.identifier+" "+a.ip, b.identifier+" "+b.ip) })
	return out
}

// unblock lifts the blocks of identifiers.
func (p *protection) unblock(identifiers []string) {
	for _, k := range p.blocksOf(identifiers) {
		delete(p.blocked, k)
	}
}
