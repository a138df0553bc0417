package sink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/auth0kit/auth0kit/internal/publicip"
)

// failure is an error with a class alone: what a receiver says may have an address or
// more in it.
type failure struct {
	class string
	cause error // ErrRejected, or nil.
}

func (f failure) Error() string { return "sink: " + f.class }

// Class is what may be told of the failure.
func (f failure) Class() string { return f.class }

func (f failure) Unwrap() error { return f.cause }

var errNotPublic = errors.New("sink: the address is not public")

func classOf(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errNotPublic):
		return "not public"
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid), errors.As(err, &alert), errors.As(err, &record):
		return "tls"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &dns):
		return "name"
	}
	return "connection"
}

// hidden are ranges through which an address that looks public leads elsewhere, or
// that no customer has: translation to IPv4, tunnels, benchmarks, documentation.
var hidden = func() []netip.Prefix {
	var all []netip.Prefix
	for _, s := range []string{
		"64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/23", "2001:db8::/32", "fec0::/10", "100::/64", "::/96", "::ffff:0:0:0/96",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	} {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}()

// mayDial reports whether an address may be connected to.
func mayDial(a netip.Addr) bool {
	a = a.Unmap()
	if a.Zone() != "" || !publicip.Is(a) {
		return false
	}
	for _, p := range hidden {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// publicDialer refuses addresses at the moment of the connection, so that a name that
// resolves to something else the second time gains nothing.
func publicDialer() *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil || !mayDial(a.Addr()) {
			return errNotPublic
		}
		return nil
	}}
}

type publicTransport struct{ *http.Transport }

func publicClient() *http.Client {
	return &http.Client{CheckRedirect: noRedirect, Transport: publicTransport{&http.Transport{
		DialContext: publicDialer().DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 20 * time.Second,
		MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, MaxResponseHeaderBytes: 1 << 16,
	}}}
}

func isPublic(c *http.Client) bool {
	_, ok := c.Transport.(publicTransport)
	return ok
}

// noRedirect makes a redirect an answer like others, which is no success.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
