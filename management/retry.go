package management

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
)

// maxTries bounds how often one call is sent when the answers are failures. It
// does not count answers of 429, which MaxWait bounds.
const maxTries = 5

type idempotentKey struct{}

// Idempotent marks the POST requests under the returned context as repeatable:
// they are sent again after a network error, 408 or 5xx. Without the mark such
// a POST ends with ErrOutcomeUnknown after one attempt. AddMembers,
// AssignMemberRoles and the revocations need no mark.
//
// GET, PUT, DELETE (RFC 9110 section 9.2.2) and PATCH are always repeatable:
// every PATCH of the Management API sets fields to values, so that the second
// one changes nothing.
func Idempotent(ctx context.Context) context.Context {
	return context.WithValue(ctx, idempotentKey{}, true)
}

func repeatable(req *http.Request) bool {
	if req.Method != http.MethodPost {
		return true
	}
	marked, _ := req.Context().Value(idempotentKey{}).(bool)
	return marked
}

// writes reports whether the method may change something.
func writes(method string) bool { return method != http.MethodGet && method != http.MethodHead }

// retryStatus reports whether status is a failure that may pass.
func retryStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusNetworkAuthenticationRequired:
		return false
	}
	return status >= 500
}

// pauses are those after failures.
var pauses = retry.Backoff{First: 500 * time.Millisecond, Last: 8 * time.Second}

// neverSent reports whether err shows that no byte of the request left.
func neverSent(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	return isAs[*net.DNSError](err) || badCertificate(err)
}

func badCertificate(err error) bool {
	return isAs[*tls.CertificateVerificationError](err) || isAs[x509.UnknownAuthorityError](err) || isAs[x509.HostnameError](err)
}

func isAs[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// silent is a cause with a text of ours: the texts of transports have URLs,
// addresses, and whatever else a foreign one puts there.
type silent struct {
	cause error
	text  string
}

func (s silent) Error() string { return s.text }
func (s silent) Unwrap() error { return s.cause }

// noAnswer is err, why there is no answer, in words that are safe to log.
func noAnswer(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return silent{err, "no answer: " + describe(err)}
}

func describe(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline exceeded"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "connection closed"
	case isAs[*net.DNSError](err):
		return "the host of Config.Domain was not found"
	case badCertificate(err):
		return "the certificate is not trusted"
	case isNet && timeout.Timeout():
		return "timeout"
	}
	return "network error"
}
