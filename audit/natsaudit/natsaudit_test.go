package natsaudit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/natsaudit"
)

// start runs a server with JetStream, on a port of its own when port is -1.
func start(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true, MaxPayload: 64 << 10})
	require.NoError(t, err)
	s.Start()
	require.True(t, s.ReadyForConnections(30*time.Second))
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// connect returns a stream for all subjects of the log.
func connect(t *testing.T, s *server.Server) (*nats.Conn, jetstream.JetStream, jetstream.Stream) {
	t.Helper()
	conn, err := nats.Connect(s.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	stream, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "AUDIT", Subjects: []string{"audit.>"}, Duplicates: 15 * time.Minute})
	require.NoError(t, err)
	return conn, js, stream
}

// stored returns what the stream has under a subject, in order.
func stored(t *testing.T, stream jetstream.Stream, subject string) (ids []string) {
	t.Helper()
	consumer, err := stream.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	require.NoError(t, err)
	info, err := consumer.Info(t.Context())
	require.NoError(t, err)
	for range info.NumPending {
		m, err := consumer.Next(jetstream.FetchMaxWait(10 * time.Second))
		require.NoError(t, err)
		var e struct{ ID, Organization, Checkpoint string }
		require.NoError(t, json.Unmarshal(m.Data(), &e))
		if e.Checkpoint != "" {
			e.ID = "checkpoint"
		}
		ids = append(ids, e.ID)
	}
	return ids
}

func event(id, org string) auditlog.Entry {
	return auditlog.Entry{Event: audit.Event{ID: id, Time: time.Now(), Type: "session", Action: "session.create", Organization: org}}
}

// Each organization's subject has its own events, whatever the ids are.
func TestSubjects(t *testing.T) {
	t.Parallel()
	_, js, stream := connect(t, start(t, t.TempDir(), -1))
	deliver, err := natsaudit.New(js, natsaudit.Config{Prefix: "audit"})
	require.NoError(t, err)
	orgs := map[string]string{
		"org_A": "audit.org.org_A", "org_B": "audit.org.org_B", "": "audit.log", "org_A.>": "audit.org.org_A=2E=3E", "*": "audit.org.=2A", "=2A": "audit.org.=3D2A",
		"a b\té": "audit.org.a=20b=09=C3=A9",
	}
	for org := range orgs {
		for i := range 3 {
			require.NoError(t, deliver(t.Context(), auditlog.Delivery{Key: "k", Entries: []auditlog.Entry{event(fmt.Sprint(org, i), org)}}))
		}
	}
	for org, subject := range orgs {
		assert.Equal(t, []string{org + "0", org + "1", org + "2"}, stored(t, stream, subject), subject)
	}
	require.NoError(t, deliver(t.Context(), auditlog.Delivery{Key: "c", Checkpoint: []byte("note")}))
	assert.Equal(t, []string{"checkpoint"}, stored(t, stream, "audit.checkpoint"))
}

func TestSubjectsAreApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		if (natsaudit.Token(a) == natsaudit.Token(b)) != (a == b) {
			t.Fatalf("%q and %q", a, b)
		}
		if strings.ContainsAny(natsaudit.Token(a), ".*> \t\r\n") {
			t.Fatalf("%q is not one token", natsaudit.Token(a))
		}
	})
}

// A delivery whose answer was lost comes again, and is in the stream once.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	_, js, stream := connect(t, start(t, t.TempDir(), -1))
	deliver, err := natsaudit.New(js, natsaudit.Config{Prefix: "audit"})
	require.NoError(t, err)
	d := auditlog.Delivery{Key: "nats:0-1", Entries: []auditlog.Entry{event("a", "org_A"), event("b", "org_A")}}
	require.NoError(t, deliver(t.Context(), d))
	require.NoError(t, deliver(t.Context(), d))
	d.Entries = append(d.Entries, event("c", "org_A"))
	require.NoError(t, deliver(t.Context(), d))
	assert.Equal(t, []string{"a", "b", "c"}, stored(t, stream, "audit.>"))

	other, err := natsaudit.New(js, natsaudit.Config{Prefix: "audit.second"})
	require.NoError(t, err)
	require.NoError(t, other(t.Context(), d))
	assert.Len(t, stored(t, stream, "audit.second.>"), 3, "another log may have the same ids")
}

// Nobody who takes messages without storing them counts, and waiting for them ends.
func TestNoAcknowledgement(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), -1)
	conn, js, stream := connect(t, s)
	deliver, err := natsaudit.New(js, natsaudit.Config{Prefix: "elsewhere"})
	require.NoError(t, err)
	d := auditlog.Delivery{Key: "k", Entries: []auditlog.Entry{event("a", "org_A")}}
	require.ErrorIs(t, deliver(t.Context(), d), jetstream.ErrNoStreamResponse)
	_, err = conn.Subscribe("elsewhere.>", func(*nats.Msg) {}) // slow for ever
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, deliver(ctx, d), context.DeadlineExceeded)
	assert.Empty(t, stored(t, stream, ">"))

	large := event("large", "org_A")
	large.Metadata = map[string]string{"x": strings.Repeat("x", 70<<10)}
	deliver, err = natsaudit.New(js, natsaudit.Config{Prefix: "audit"})
	require.NoError(t, err)
	err = deliver(t.Context(), auditlog.Delivery{Key: "k", Entries: []auditlog.Entry{large}})
	require.ErrorIs(t, err, auditlog.ErrRejected)
}

// The server goes away twice while a log is delivered: every event is there once, in order.
// A full stream is tried again until there is room; an event that is larger than it ever
// takes is rejected, and holds up no other.
func TestFullStream(t *testing.T) {
	t.Parallel()
	_, js, _ := connect(t, start(t, t.TempDir(), -1))
	cfg := jetstream.StreamConfig{Name: "SMALL", Subjects: []string{"small.>"}, MaxMsgs: 1, MaxMsgSize: 4096, Discard: jetstream.DiscardNew}
	stream, err := js.CreateOrUpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	deliver, err := natsaudit.New(js, natsaudit.Config{Prefix: "small"})
	require.NoError(t, err)
	send := func(e auditlog.Entry) error {
		return deliver(t.Context(), auditlog.Delivery{Key: e.ID, Entries: []auditlog.Entry{e}})
	}
	require.NoError(t, send(event("a", "org_A")))
	err = send(event("b", "org_A"))
	require.Error(t, err)
	require.NotErrorIs(t, err, auditlog.ErrRejected)
	large := event("large", "org_A")
	large.Metadata = map[string]string{"x": strings.Repeat("x", 5000)}
	require.ErrorIs(t, send(large), auditlog.ErrRejected)
	require.NoError(t, stream.Purge(t.Context()))
	require.NoError(t, send(event("b", "org_A")))
	assert.Equal(t, []string{"b"}, stored(t, stream, ">"))
}

func TestServerDown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, -1)
	_, js, _ := connect(t, s)
	deliver, err := natsaudit.New(js, natsaudit.Config{Prefix: "audit"})
	require.NoError(t, err)
	key, _, err := auditlog.GenerateKey("example.com/audit")
	require.NoError(t, err)
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef"))
	require.NoError(t, err)
	failed := make(chan struct{}, 1000)
	l, err := auditlog.New(auditlog.NewMemoryStore(), seal, auditlog.Config{Sinks: []auditlog.Sink{{
		Name: "nats", Policy: auditlog.Durable, Filter: auditlog.Filter{Type: "session"},
		Deliver: func(ctx context.Context, d auditlog.Delivery) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			err := deliver(ctx, d)
			if err != nil {
				failed <- struct{}{}
			}
			return err
		},
	}}})
	require.NoError(t, err)
	go l.Run(t.Context())
	var want []string
	record := func(n int) {
		for range n {
			e := event(fmt.Sprintf("e%04d", len(want)), "org_A").Event
			require.NoError(t, audit.Record(t.Context(), l, e))
			want = append(want, e.ID)
		}
	}
	port := s.Addr().(*net.TCPAddr).Port
	record(250)
	for range 2 {
		s.Shutdown()
		s.WaitForShutdown()
		record(250)
		<-failed
		s = start(t, dir, port)
	}
	_, _, stream := connect(t, s)
	require.Eventually(t, func() bool {
		info, err := stream.Info(t.Context())
		return err == nil && info.State.Msgs >= uint64(len(want))
	}, time.Minute, 50*time.Millisecond)
	assert.Equal(t, want, stored(t, stream, "audit.org.org_A"))
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, js, _ := connect(t, start(t, t.TempDir(), -1))
	for _, c := range []natsaudit.Config{{}, {Prefix: "audit."}, {Prefix: "a.*"}, {Prefix: "a b"}, {Prefix: "audit", Encoding: "cef"}} {
		_, err := natsaudit.New(js, c)
		require.Error(t, err, c.Prefix)
	}
	_, err := natsaudit.New(nil, natsaudit.Config{Prefix: "audit"})
	require.Error(t, err)
}
