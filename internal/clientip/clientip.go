// Package clientip finds the address of the client behind proxies: in one header,
// from the right, over hops that are named.
package clientip

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Direct returns the address of the connection, which is the client's where no
// proxy is in between; the zero Addr if it has none, as a Unix socket.
func Direct(r *http.Request) netip.Addr { return addrOf(r.RemoteAddr) }

// Behind returns a function that reads the client's address from header, which the
// proxies in trusted write: X-Forwarded-For, Forwarded of RFC 7239, or a header
// with one address, such as CF-Connecting-IP. A list is read from the right over
// trusted addresses; the first that is not trusted is the client. What is left of
// it anybody can have sent. A connection that does not come from a trusted proxy is
// the client's own, whatever its headers say. The zero Addr means that a trusted
// proxy does not tell.
func Behind(header string, trusted ...netip.Prefix) (func(*http.Request) netip.Addr, error) {
	if header == "" || strings.ContainsFunc(header, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }) {
		return nil, errors.New("header is not the name of a header, such as X-Forwarded-For")
	}
	if len(trusted) == 0 {
		return nil, errors.New("trusted is empty; name the networks of your proxies, such as 10.0.0.0/8")
	}
	b := behind{header: http.CanonicalHeaderKey(header)}
	for _, p := range trusted {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if !p.IsValid() || p.Bits() == 0 {
			return nil, fmt.Errorf("trusted has %s, which is not a network of proxies; whoever is trusted can name any address", p)
		}
		b.trusted = append(b.trusted, p)
	}
	return b.client, nil
}

type behind struct {
	header  string
	trusted []netip.Prefix
}

func (b behind) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(b.trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (b behind) client(r *http.Request) netip.Addr {
	peer, lines := Direct(r), r.Header[b.header]
	switch {
	case !b.trusts(peer):
		return peer
	case b.header == "X-Forwarded-For":
		return b.first(lines, addrOf)
	case b.header == "Forwarded":
		return b.first(lines, forwardedFor)
	case len(lines) == 1:
		return addrOf(lines[0])
	}
	return netip.Addr{}
}

// first walks over the elements of lines from the right. An element that read does
// not know ends the walk: what is left of it has passed a hop that may not be ours.
func (b behind) first(lines []string, read func(string) netip.Addr) (client netip.Addr) {
	for _, line := range slices.Backward(lines) {
		for more := true; more; {
			var element string
			line, element, more = cutLast(line, ',')
			if client = read(element); !b.trusts(client) {
				return client
			}
		}
	}
	return client // All are trusted: the one that is farthest away.
}

// cutLast splits s at the last sep outside of quotes. It goes from the right, so
// that a quote which a client has opened hides nothing that a proxy appended.
func cutLast(s string, sep byte) (before, last string, found bool) {
	quoted := false
	for i := len(s) - 1; i >= 0; i-- {
		switch s[i] {
		case '"':
			if slashes := len(s[:i]) - len(strings.TrimRight(s[:i], `\`)); !quoted || slashes%2 == 0 {
				quoted = !quoted
			}
		case sep:
			if !quoted {
				return s[:i], s[i+1:], true
			}
		}
	}
	return "", s, false
}

// forwardedFor reads the one "for" of an element of RFC 7239.
func forwardedFor(element string) (found netip.Addr) {
	for more, seen := true, false; more; {
		var pair string
		element, pair, more = cutLast(element, ';')
		name, value, _ := strings.Cut(pair, "=")
		if !strings.EqualFold(strings.TrimLeft(name, " \t"), "for") {
			continue
		}
		if seen {
			return netip.Addr{}
		}
		value = strings.TrimRight(value, " \t")
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
			value = strings.ReplaceAll(value[1:len(value)-1], `\`, "") // No address has a backslash of its own.
		}
		found, seen = addrOf(value), true
	}
	return found
}

// addrOf reads an address with or without a port, and gives it the form in which
// it is compared: no zone, and IPv4 as such. What names no address, "unknown" and
// the "_hidden" of RFC 7239 too, is the zero Addr.
func addrOf(s string) netip.Addr {
	s = strings.Trim(s, " \t")
	host, port, given := s, "", false
	if bare, ok := strings.CutPrefix(s, "["); ok {
		host, port, _ = strings.Cut(bare, "]")
		port, given = strings.CutPrefix(port, ":")
		if !given && port != "" || !strings.Contains(host, ":") {
			return netip.Addr{}
		}
	} else if strings.Count(s, ":") == 1 {
		host, port, given = strings.Cut(s, ":")
	}
	a, err := netip.ParseAddr(host)
	a = a.WithZone("").Unmap()
	if err != nil || a.IsUnspecified() || given && !isPort(port) {
		return netip.Addr{}
	}
	return a
}

// isPort accepts numbers and the obfuscated ports of RFC 7239.
func isPort(s string) bool {
	digits := strings.Trim(s, "0123456789")
	return s != "" && (digits == "" && len(s) <= 5 || s[0] == '_' && len(s) > 1 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	}))
}
