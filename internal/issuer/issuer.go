// Package issuer reads how people write the domain of an Auth0 tenant, and gives
// the one form in which its tokens name it.
package issuer

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Issuer is the iss of a tenant's tokens, "https://tenant.eu.auth0.com/".
type Issuer string

// Parse reads "tenant.eu.auth0.com", "https://tenant.eu.auth0.com", the same with
// a slash at the end or in upper case, and custom domains alike. Plain http and
// ports are for loopback alone. field is what the error is about, such as
// "management: Config.Domain"; the error does not repeat s, which may have a
// password in it.
func Parse(field, s string) (Issuer, error) {
	scheme, rest, given := strings.Cut(lower(s), "://")
	if !given {
		scheme, rest = "https", scheme
	}
	rest = strings.TrimSuffix(rest, "/")
	u, err := url.Parse(scheme + "://" + rest)
	if err == nil && u.Host == rest {
		if host, ok := hostOf(u); ok {
			return Issuer(scheme + "://" + host + "/"), nil
		}
	}
	return "", fmt.Errorf(`%s must be a domain, such as "tenant.eu.auth0.com" or "https://login.example.com/", `+
		"without a path, query, user or space; plain http and ports are for loopback alone", field)
}

// Other checks the issuer of another provider, which may have a path and no slash
// at the end, and is taken as it is written.
func Other(field, s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(s, "?# ") || !safe(u) {
		return fmt.Errorf("%s must be an https URL without a query, fragment, user or space; plain http is for loopback alone", field)
	}
	return nil
}

// Host returns the host, with the port if there is one.
func (i Issuer) Host() string {
	_, host, _ := strings.Cut(string(i), "://")
	return strings.TrimSuffix(host, "/")
}

// Scheme returns "https", or "http" for loopback.
func (i Issuer) Scheme() string {
	scheme, _, _ := strings.Cut(string(i), "://")
	return scheme
}

// Join returns the URL of a path below the issuer, such as "oauth/token".
func (i Issuer) Join(path string) string { return string(i) + strings.TrimPrefix(path, "/") }

// IsLoopback reports whether a host, without a port, is this machine.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func safe(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && IsLoopback(u.Hostname())
}

// lower leaves what is not ASCII as it is: a Kelvin sign must not become a k.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// hostOf returns the host of u in its one form, if it may be a tenant's.
func hostOf(u *url.URL) (string, bool) {
	host, port, ok := u.Hostname(), u.Port(), safe(u) && !strings.HasSuffix(u.Host, ":")
	if port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		port = ""
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		host, ok = addr.Unmap().String(), ok && addr.Zone() == "" && IsLoopback(host)
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
	} else if !isDomain(host) {
		return "", false
	}
	if port == "" {
		return host, ok
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return host + ":" + strconv.FormatUint(n, 10), ok && err == nil && n > 0 && IsLoopback(u.Hostname())
}

// isDomain accepts the names of RFC 1123 with two labels at least, whose last is
// no number, and localhost.
func isDomain(host string) bool {
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return len(host) <= 253 && (len(labels) > 1 && strings.Trim(last, "0123456789") != "" || host == "localhost")
}
