package sink_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/sink"
)

var secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567"))

func delivery(ids ...string) auditlog.Delivery {
	d := auditlog.Delivery{Key: "siem:1-2"}
	for _, id := range ids {
		d.Entries = append(d.Entries, auditlog.Entry{Event: audit.Event{
			ID: id, Time: time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC), Type: "login", Action: "login.fp", Outcome: audit.Failure, UserAgent: "a\nb é",
		}})
	}
	return d
}

// The example of the Standard Webhooks specification.
func TestSignature(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	require.NoError(t, err)
	got := sink.Sign([][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	assert.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", got)
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	status := 204
	var header http.Header
	var body []byte
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "a secret of the receiver")
	}))
	t.Cleanup(server.Close)
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("another key of 24 bytes.."))
	deliver, err := sink.PrivateWebhook(server.Client())(auditlog.Target{URL: server.URL + "/hook?a=b", Secrets: []string{secret, other}, Encoding: auditlog.ECS})
	require.NoError(t, err)
	require.NoError(t, deliver(t.Context(), delivery("e1", "e2")))
	assert.Equal(t, "siem:1-2", header.Get("webhook-id"))
	assert.Equal(t, sink.Sign([][]byte{[]byte("0123456789abcdef01234567"), []byte("another key of 24 bytes..")}, "siem:1-2", header.Get("webhook-timestamp"), body), header.Get("webhook-signature"))
	var got struct {
		Type   string
		Events []map[string]any
	}
	require.NoError(t, json.Unmarshal(body, &got))
	assert.Equal(t, "audit.events", got.Type)
	assert.Len(t, got.Events, 2)
	assert.Contains(t, got.Events[0], "@timestamp")
	require.NoError(t, deliver(t.Context(), auditlog.Delivery{Key: "c", Checkpoint: []byte("note")}))
	assert.Contains(t, string(body), `"checkpoint":"note"`)

	for _, c := range []struct {
		status   int
		rejected bool
	}{{200, false}, {302, false}, {400, true}, {401, false}, {404, false}, {413, true}, {422, true}, {429, false}, {500, false}, {503, false}} {
		status = c.status
		err := deliver(t.Context(), delivery("e1"))
		if c.status == 200 {
			require.NoError(t, err)
			continue
		}
		require.Error(t, err, "%d is no success, and a redirect is not followed", c.status)
		assert.Equal(t, c.rejected, errors.Is(err, auditlog.ErrRejected), c.status)
		assert.Equal(t, fmt.Sprint("sink: status ", c.status), err.Error())
	}
}

func TestWebhookTargets(t *testing.T) {
	t.Parallel()
	for _, target := range []auditlog.Target{
		{URL: "http://example.com", Secrets: []string{secret}},
		{URL: "https://", Secrets: []string{secret}},
		{URL: "https://user:pass@example.com", Secrets: []string{secret}},
		{URL: "file:///etc/passwd", Secrets: []string{secret}},
		{URL: "https://example.com"},
		{URL: "https://example.com", Secrets: []string{"whsec_"}},
		{URL: "https://example.com", Secrets: []string{secret, ""}},
		{URL: "https://example.com", Secrets: []string{"whsec_c2hvcnQ="}},
		{URL: "https://example.com", Secrets: []string{secret}, Encoding: "cef"},
	} {
		_, err := sink.Webhook(target)
		require.Error(t, err, target.URL)
		assert.NotContains(t, err.Error(), "pass")
	}
	_, err := sink.PrivateWebhook(nil)(auditlog.Target{URL: "https://example.com", Secrets: []string{secret}})
	require.Error(t, err)
}

// A customer's address never reaches the inside, by name or by number.
func TestOnlyPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, a := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.0.8", "198.18.0.1",
		"::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "::7f00:1", "fec0::1", "fe80::1%eth0",
	} {
		assert.False(t, sink.MayDial(netip.MustParseAddr(a)), a)
	}
	for _, a := range []string{"8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8"} {
		assert.True(t, sink.MayDial(netip.MustParseAddr(a)), a)
	}
	reached := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(server.Close)
	port := server.Listener.Addr().(*net.TCPAddr).Port
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]"} {
		deliver, err := sink.Webhook(auditlog.Target{URL: fmt.Sprintf("https://%s:%d/", host, port), Secrets: []string{secret}})
		if err != nil {
			continue
		}
		require.Error(t, deliver(t.Context(), delivery("e1")), host)
		syslog, err := sink.Syslog(auditlog.Target{URL: fmt.Sprintf("syslog+tls://%s:%d", host, port)})
		require.NoError(t, err)
		require.Error(t, syslog(t.Context(), delivery("e1")), host)
	}
	assert.False(t, reached)
	deliver, err := sink.Webhook(auditlog.Target{URL: fmt.Sprintf("https://127.0.0.1:%d/", port), Secrets: []string{secret}})
	require.NoError(t, err)
	assert.EqualError(t, deliver(t.Context(), delivery("e1")), "sink: not public")
}

func TestSyslog(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil) // for its certificate
	server.StartTLS()
	t.Cleanup(server.Close)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: server.TLS.Certificates})
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	messages := make(chan string, 10)
	conns := make(chan net.Conn, 10)
	ended := make(chan bool, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns <- conn
			go func() {
				in := bufio.NewReader(conn)
				for {
					var n int
					if _, err := fmt.Fscanf(in, "%d ", &n); err != nil {
						ended <- true
						return
					}
					m := make([]byte, n)
					if _, err := io.ReadFull(in, m); err != nil {
						return
					}
					messages <- string(m)
				}
			}()
		}
	}()
	cfg := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	deliver, err := sink.PrivateSyslog(cfg)(auditlog.Target{URL: "syslog+tls://" + listener.Addr().String()})
	require.NoError(t, err)
	require.NoError(t, deliver(t.Context(), delivery("e1", "e2")))
	form := regexp.MustCompile(`^<108>1 2026-11-24T12:00:00\.123456Z \S+ auth0kit - login\.fp - \x{feff}\{.*\}$`)
	for _, id := range []string{"e1", "e2"} {
		m := <-messages
		assert.Regexp(t, form, m)
		assert.Contains(t, m, `"id":"`+id+`"`)
		assert.NotContains(t, m, "\n")
	}
	// A collector that closes the connection gets what follows on a new one, and all of it.
	require.NoError(t, (<-conns).(*tls.Conn).CloseWrite())
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("the connection was not closed on this side")
	}
	require.NoError(t, deliver(t.Context(), delivery("e3")))
	assert.Contains(t, <-messages, `"id":"e3"`)

	wrong, err := sink.PrivateSyslog(nil)(auditlog.Target{URL: "syslog+tls://" + listener.Addr().String()})
	require.NoError(t, err)
	assert.EqualError(t, wrong(t.Context(), delivery("e1")), "sink: tls", "an unknown certificate")
	for _, bad := range []string{"syslog://h", "syslog+tls://", "syslog+tls://h/path", "syslog+tls://u@h", "https://h"} {
		_, err := sink.Syslog(auditlog.Target{URL: bad})
		require.Error(t, err, bad)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.jsonl")
	deliver, err := sink.File(path, 600)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(`{"id":"cut of`), 0o600)) // by a full disk
	for i := range 9 {
		require.NoError(t, deliver(t.Context(), delivery(fmt.Sprint("e", i))))
	}
	require.NoError(t, deliver(t.Context(), auditlog.Delivery{Checkpoint: []byte("a\nb\n")}))
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(files), 3)
	var ids []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(text), 600)
		for line := range strings.Lines(string(text)) {
			var e struct{ ID, Checkpoint string }
			if json.Unmarshal([]byte(line), &e) == nil {
				ids = append(ids, e.ID+e.Checkpoint)
			}
		}
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	assert.ElementsMatch(t, []string{"e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "a\nb\n"}, ids)

	gone, err := sink.File(filepath.Join(dir, "no", "folder"), 0)
	require.NoError(t, err)
	assert.EqualError(t, gone(t.Context(), delivery("e")), "sink: file")
	if _, err := os.Stat("/dev/full"); err == nil {
		full, err := sink.File("/dev/full", 0)
		require.NoError(t, err)
		assert.EqualError(t, full(t.Context(), delivery("e")), "sink: file", "a full disk")
	}
	_, err = sink.File("", 0)
	require.Error(t, err)
}

func TestEach(t *testing.T) {
	t.Parallel()
	var got []string
	fails := errors.New("no stream")
	var fail error
	deliver, err := sink.Each(auditlog.OCSF, func(_ context.Context, id string, data []byte) error {
		assert.True(t, json.Valid(data))
		got = append(got, id)
		return fail
	})
	require.NoError(t, err)
	require.NoError(t, deliver(t.Context(), delivery("e1", "e2")))
	require.NoError(t, deliver(t.Context(), auditlog.Delivery{Key: "c:1", Checkpoint: []byte("note")}))
	assert.Equal(t, []string{"e1", "e2", "c:1"}, got)
	fail = fails
	require.ErrorIs(t, deliver(t.Context(), delivery("e3", "e4")), fails)
	assert.Equal(t, "e3", got[len(got)-1], "what follows waits for the repetition")
	_, err = sink.Each(auditlog.JSON, nil)
	require.Error(t, err)
	_, err = sink.Each("cef", func(context.Context, string, []byte) error { return nil })
	require.Error(t, err)
}

func ExampleEach() {
	deliver, err := sink.Each(auditlog.JSON, func(_ context.Context, id string, _ []byte) error { // publish to NATS, Kafka, …
		fmt.Println("published", id)
		return nil
	})
	fmt.Println(err)
	fmt.Println(deliver(context.Background(), auditlog.Delivery{Entries: []auditlog.Entry{{Event: audit.Event{ID: "e1"}}}}))
	// Output:
	// <nil>
	// published e1
	// <nil>
}

func ExampleFile() {
	dir, err := os.MkdirTemp("", "audit")
	if err != nil {
		fmt.Println(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "audit.jsonl")
	file, err := sink.File(path, 100<<20)
	if err != nil {
		fmt.Println(err)
	}
	_ = auditlog.Config{Sinks: []auditlog.Sink{{Name: "file", Policy: auditlog.Durable, Deliver: file}}}
	err = file(context.Background(), auditlog.Delivery{Key: "file:0-0", Entries: []auditlog.Entry{{Event: audit.Event{
		ID: "e1", Time: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Type: "login", Action: "login.s", Outcome: audit.Success,
	}}}}) // as the log does
	text, _ := os.ReadFile(path)
	fmt.Print(string(text), err)
	// Output:
	// {"id":"e1","time":"2026-11-24T12:00:00Z","type":"login","action":"login.s","outcome":"success","sealed":false,"index":0}
	// <nil>
}

func ExampleWebhook() {
	_, err := sink.Webhook(auditlog.Target{URL: "http://169.254.169.254/", Secrets: []string{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}})
	fmt.Println(err)
	// Output: sink: Target.URL must be an https address without user and fragment
}
