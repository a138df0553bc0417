package audittest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

const logName = "example.com/audit"

func newSeal(t *testing.T) auditlog.Seal {
	t.Helper()
	key, _, err := auditlog.GenerateKey(logName)
	must(t, err)
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef"))
	must(t, err)
	return seal
}

func newLog(t *testing.T, s driver.Store, seal auditlog.Seal) *auditlog.Log {
	t.Helper()
	l, err := auditlog.New(s, seal, auditlog.Config{})
	must(t, err)
	return l
}

func user(id string) audit.Ref { return audit.Ref{Kind: "user", ID: id} }

// login is an event about a user, with what identifies them.
func login(id, userID string) audit.Event {
	return audit.Event{
		ID: id, Time: noon, Type: "login", Action: "login.succeed", Outcome: audit.Success, Actor: user(userID), Target: user(userID),
		IP: "203.0.113.7", UserAgent: "agent of " + userID, Organization: "org_1", Personal: map[string]string{"email": userID + "@example.com"},
	}
}

func put(t *testing.T, l *auditlog.Log, events ...audit.Event) {
	t.Helper()
	for _, e := range events {
		must(t, audit.Record(t.Context(), l, e))
	}
}

// inRun starts logs and returns what ends them.
func inRun(t *testing.T, logs ...*auditlog.Log) (end func()) {
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, l := range logs {
		wg.Go(func() {
			if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Run ended with %v", err)
			}
		})
	}
	return func() { stop(); wg.Wait() }
}

// seal runs the logs until nothing waits.
func seal(t *testing.T, logs ...*auditlog.Log) {
	t.Helper()
	defer inRun(t, logs...)()
	for range 3000 {
		s, err := logs[0].Status(t.Context())
		must(t, err)
		if s.Unsealed == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond) // until the other goroutine has sealed
	}
	t.Fatal("nothing sealed within 30 seconds")
}

func checkpointOf(t *testing.T, l *auditlog.Log) []byte {
	t.Helper()
	signed, err := l.Checkpoint(t.Context())
	must(t, err)
	return signed
}

func query(t *testing.T, l *auditlog.Log, f auditlog.Filter) []auditlog.Entry {
	t.Helper()
	var entries []auditlog.Entry
	for e, err := range l.Query(t.Context(), f) {
		must(t, err)
		entries = append(entries, e)
	}
	return entries
}

func testLog(t *testing.T, h Harness) {
	s := newSeal(t)
	l, again := newLog(t, h.Store, s), newLog(t, h.Again, s)
	for i := range 5 {
		put(t, l, login(fmt.Sprint("e", i), "auth0|ann"))
	}
	put(t, again, login("e0", "auth0|ann")) // recorded once
	entries := query(t, again, auditlog.Filter{Subject: user("auth0|ann"), Type: "login"})
	if len(entries) != 5 {
		t.Fatalf("%d entries; want 5", len(entries))
	}
	got, want := entries[0].Event, login("e0", "auth0|ann")
	if got.LoggedAt.IsZero() || !got.Time.Equal(kept) {
		t.Errorf("Time %v, LoggedAt %v; want the time to the microsecond", got.Time, got.LoggedAt)
	}
	got.LoggedAt, got.Time = time.Time{}, want.Time
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read %+v; want %+v", got, want)
	}
	if reads := query(t, l, auditlog.Filter{Action: "audit.query"}); len(reads) != 2 {
		t.Errorf("%d reads are recorded; want both", len(reads))
	}
	if bad := login("e9", "auth0|ann"); l.Record(t.Context(), func() audit.Event { bad.Type = "Bad"; return bad }()) == nil {
		t.Error("an event that is not valid was recorded")
	}

	seal(t, l)
	first := checkpointOf(t, again)
	p, err := again.Prove(t.Context(), "e3")
	must(t, err)
	if e, err := p.Verify(l.VerifierKey()); err != nil || e.ID != "e3" || e.Actor.ID == "auth0|ann" {
		t.Errorf("the proof: %+v, %v; want e3 with a pseudonym", e, err)
	}
	seal(t, again)
	c, err := l.ProveConsistency(t.Context(), first)
	must(t, err)
	must(t, c.Verify(l.VerifierKey()))
	v, err := l.Verify(t.Context(), first, checkpointOf(t, l))
	must(t, err)
	if v.Size < 8 || v.ProvedTo != v.Size || v.Events != v.Size {
		t.Errorf("verified %+v", v)
	}
	_, err = l.Verify(t.Context())
	wantError(t, err, auditlog.ErrTailNotProved, "Verify without a kept checkpoint")
}

// Two processes record and seal at once.
func testLogOfTwo(t *testing.T, h Harness) {
	s := newSeal(t)
	logs := []*auditlog.Log{newLog(t, h.Store, s), newLog(t, h.Again, s)}
	const writers, each = 8, 10
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := audit.Record(t.Context(), logs[w%2], login(fmt.Sprint(w, "-", i), fmt.Sprint("auth0|", i))); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	seal(t, logs...) // while they write
	wg.Wait()
	seal(t, logs...)
	v, err := logs[0].Verify(t.Context(), checkpointOf(t, logs[1]))
	must(t, err)
	if v.Size != writers*each {
		t.Errorf("%d events are sealed; want %d", v.Size, writers*each)
	}
}

func testOtherLog(t *testing.T, h Harness) {
	s := newSeal(t)
	put(t, newLog(t, h.Store, s), login("e0", "auth0|ann"))
	other := newSeal(t) // of the same name
	l := newLog(t, h.Again, other)
	wantError(t, audit.Record(t.Context(), l, login("e1", "auth0|ann")), auditlog.ErrOtherLog, "another signer")
	wantError(t, l.Run(t.Context()), auditlog.ErrOtherLog, "Run of another signer")
	named := s
	named.Name = "example.com/other"
	wantError(t, audit.Record(t.Context(), newLog(t, h.Again, named), login("e1", "auth0|ann")), auditlog.ErrOtherLog, "another name")
	keyed := s
	keyed.Keys = [][]byte{[]byte("another key of thirty-two bytes!")}
	if audit.Record(t.Context(), newLog(t, h.Again, keyed), login("e1", "auth0|ann")) == nil {
		t.Error("other Seal.Keys were taken")
	}
	if rows := find(t, h.Store, "e1"); len(rows) != 0 {
		t.Error("an event of another log was stored")
	}
	retired, err := auditlog.New(h.Again, other, auditlog.Config{Retired: []string{newLog(t, h.Store, s).VerifierKey()}})
	must(t, err)
	put(t, retired, login("e2", "auth0|ann"))
	wantError(t, audit.Record(t.Context(), newLog(t, h.Store, s), login("e3", "auth0|ann")), auditlog.ErrOtherLog, "the retired signer")
}
