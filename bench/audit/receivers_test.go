package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/octetcounting"
	"github.com/leodido/go-syslog/v4/rfc5424"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/sink"
)

// sample is a delivery with what is hard for a parser.
func sample() auditlog.Delivery {
	d := auditlog.Delivery{Key: "siem:1-4"}
	for i, agent := range []string{"curl/8", "Zürich ]\\\" 火", strings.Repeat("x", 1024), ""} {
		d.Entries = append(d.Entries, auditlog.Entry{Event: audit.Event{
			ID: "e" + string(rune('0'+i)), Time: time.Date(2026, 11, 24, 12, 0, i, 123456000, time.UTC), Type: "login", Action: "login.fp",
			Outcome: audit.Outcome(i % 3), UserAgent: agent, Metadata: map[string]string{"text": "a b] c\" \\"},
		}})
	}
	return d
}

// A parser of other people reads every message of ours, framed as RFC 5425 says.
func TestSyslogParserAcceptsOurMessages(t *testing.T) {
	server := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(server.Close)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: server.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	conns := make(chan net.Conn, 1)
	go func() {
		if conn, err := listener.Accept(); err == nil {
			conns <- conn
		}
	}()
	cfg := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	deliver, err := sink.PrivateSyslog(cfg)(auditlog.Target{URL: "syslog+tls://" + listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan *syslog.Result, 10)
	go func() {
		octetcounting.NewParser(syslog.WithListener(func(r *syslog.Result) { got <- r })).Parse(<-conns)
	}()
	d := sample()
	if err := deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	for _, e := range d.Entries {
		r := <-got
		if r.Error != nil {
			t.Fatal(r.Error)
		}
		m := r.Message.(*rfc5424.SyslogMessage)
		severity := uint8(5)
		if e.Outcome == audit.Failure {
			severity = 4
		}
		if !m.Valid() || *m.Facility != 13 || *m.Severity != severity || *m.Appname != "auth0kit" || *m.MsgID != "login.fp" || !m.Timestamp.Equal(e.Time) {
			t.Errorf("%s: %+v", e.ID, m)
		}
		var body struct {
			ID        string
			UserAgent string `json:"user_agent"`
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(*m.Message, "\ufeff")), &body); err != nil || body.ID != e.ID || body.UserAgent != e.UserAgent {
			t.Errorf("%s: %v: %s", e.ID, err, *m.Message)
		}
	}
}

// The library of Standard Webhooks accepts what we sign, with each of the secrets, and
// nothing that was changed.
func TestStandardWebhooksAcceptsOurSignatures(t *testing.T) {
	secrets := []string{"whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567")), "whsec_" + base64.StdEncoding.EncodeToString([]byte("another key of 24 bytes.."))}
	var body []byte
	var header http.Header
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		body, _ = io.ReadAll(r.Body)
	}))
	t.Cleanup(server.Close)
	deliver, err := sink.PrivateWebhook(server.Client())(auditlog.Target{URL: server.URL, Secrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []auditlog.Delivery{sample(), {Key: "siem:checkpoint:9", Checkpoint: []byte("note\n")}} {
		if err := deliver(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			receiver, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := receiver.Verify(body, header); err != nil {
				t.Error(err)
			}
			if receiver.Verify(append([]byte(" "), body...), header) == nil {
				t.Error("a changed body is accepted")
			}
			moved := header.Clone()
			moved.Set("webhook-id", "other")
			if receiver.Verify(body, moved) == nil {
				t.Error("another id is accepted")
			}
		}
	}
}
