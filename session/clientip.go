package session

import (
	"fmt"
	"net/http"
	"net/netip"

	"github.com/auth0kit/auth0kit/internal/clientip"
)

// Direct returns the address of the connection, for HTTPConfig.ClientIP where no
// proxy stands before the service; behind one it is the proxy's. A connection
// without an address, as through a Unix socket, has the zero Addr.
func Direct(r *http.Request) netip.Addr { return clientip.Direct(r) }

// Behind returns a function for HTTPConfig.ClientIP that reads the client's address
// from header, which the proxies in trusted write, and from no other:
// X-Forwarded-For, Forwarded (RFC 7239), or a header with one address, such as
// CF-Connecting-IP.
//
// A list is read from the right over trusted addresses; the first that is not
// trusted is the client's, and what is left of it anybody can have sent. A
// connection that does not come from a trusted proxy is the client's own. The
// function returns the zero Addr, not known, when a trusted proxy does not tell.
//
// An error says that header is no name, or that trusted is empty or trusts
// everybody.
func Behind(header string, trusted ...netip.Prefix) (func(*http.Request) netip.Addr, error) {
	read, err := clientip.Behind(header, trusted...)
	if err != nil {
		return nil, fmt.Errorf("session: Behind: %w", err)
	}
	return read, nil
}
