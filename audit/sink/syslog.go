package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/encode"
)

// Syslog is a Kind: it sends events as RFC 5424 messages over TLS (RFC 5425) to
// "syslog+tls://host:6514". The receiver's certificate must be valid for the host; the
// target's secrets are not used. Syslog has no acknowledgement: what the receiver's
// machine took and lost is lost, and what is sent in the moment in which it closes the
// connection can be lost too. A connection is kept for up to ten minutes without events.
func Syslog(t auditlog.Target) (auditlog.Deliver, error) {
	return syslog(t, publicDialer(), nil)
}

// PrivateSyslog returns a Kind that also reaches addresses that are not public, with a
// TLS configuration of your own; nil for the default.
func PrivateSyslog(cfg *tls.Config) auditlog.Kind {
	return func(t auditlog.Target) (auditlog.Deliver, error) {
		return syslog(t, &net.Dialer{Timeout: 10 * time.Second}, cfg)
	}
}

func syslog(t auditlog.Target, dialer *net.Dialer, cfg *tls.Config) (auditlog.Deliver, error) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Scheme != "syslog+tls" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
		return nil, errors.New("sink: Target.URL must be like \"syslog+tls://logs.example.com:6514\"")
	}
	if err := encode.Check(t.Encoding); err != nil {
		return nil, err
	}
	port := u.Port()
	if port == "" {
		port = "6514"
	}
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	c := &collector{dialer: &tls.Dialer{NetDialer: dialer, Config: cfg}, address: net.JoinHostPort(u.Hostname(), port), host: printable(host, 255)}
	return func(ctx context.Context, d auditlog.Delivery) error {
		frames, err := c.frames(t.Encoding, d)
		if err != nil {
			return err
		}
		return c.send(ctx, frames)
	}, nil
}

// collector keeps one connection.
type collector struct {
	dialer        *tls.Dialer
	address, host string

	mu   sync.Mutex
	conn net.Conn
}

func (c *collector) frames(f auditlog.Format, d auditlog.Delivery) ([]byte, error) {
	var out []byte
	if len(d.Checkpoint) > 0 {
		out = frame(out, message(audit.Event{Time: time.Now(), Action: "audit.checkpoint", Outcome: audit.Success}, c.host, fmt.Appendf(nil, "%q", d.Checkpoint)))
	}
	for _, e := range d.Entries {
		text, err := encode.Event(f, e)
		if err != nil {
			return nil, err
		}
		out = frame(out, message(e.Event, c.host, text))
	}
	return out, nil
}

// frame counts octets, RFC 5425 section 4.3.
func frame(out, message []byte) []byte {
	return append(fmt.Appendf(out, "%d ", len(message)), message...)
}

// message is RFC 5424: facility 13, log audit; severity warning for a failure and
// notice otherwise.
func message(e audit.Event, host string, text []byte) []byte {
	severity := 5
	if e.Outcome == audit.Failure {
		severity = 4
	}
	head := fmt.Sprintf("<%d>1 %s %s auth0kit - %s - \ufeff", 13*8+severity, e.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), host, printable(e.Action, 32))
	return append([]byte(head), text...)
}

// printable is a field of the header: visible ASCII, or "-".
func printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return -1
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), limit)]
}

// idle is for how long a connection is kept.
const idle = 10 * time.Minute

// watch closes a connection when its collector does, so that nothing more is written
// into it: TCP would take that without an error.
func watch(conn net.Conn) {
	_, _ = io.Copy(io.Discard, conn)
	_ = conn.Close()
}

// send writes on the connection that is there, and once more on a new one.
func (c *collector) send(ctx context.Context, frames []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for fresh := false; ; fresh = true {
		if c.conn == nil {
			conn, err := c.dialer.DialContext(ctx, "tcp", c.address)
			if err != nil {
				return failure{class: classOf(err)}
			}
			c.conn, fresh = conn, true
			go watch(conn) // until idle at most
		}
		deadline, ok := ctx.Deadline()
		if !ok {
			deadline = time.Now().Add(30 * time.Second)
		}
		err := errors.Join(c.conn.SetWriteDeadline(deadline), c.conn.SetReadDeadline(time.Now().Add(idle)))
		if err == nil {
			_, err = c.conn.Write(frames)
		}
		if err == nil {
			return nil
		}
		_ = c.conn.Close() // it is broken
		if c.conn = nil; fresh {
			return failure{class: classOf(err)}
		}
	}
}
