package audittest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// scene is a log of ten events, sealed in two steps of five.
type scene struct {
	Harness
	seal        auditlog.Seal
	log         *auditlog.Log
	five, ten   []byte // Checkpoints.
	headAtFive  []byte
	leafOf      func(id string) []byte
	tile, point driver.Write
}

func id(i int) string { return fmt.Sprint("e", i) }

func newScene(t *testing.T, h Harness) *scene {
	t.Helper()
	s := &scene{Harness: h, seal: newSeal(t)}
	s.log = newLog(t, h.Store, s.seal)
	for i := range 10 {
		if i == 5 {
			seal(t, s.log)
			s.five = checkpointOf(t, s.log)
			r, _ := record(t, h.Store, "tree", "head")
			s.headAtFive = r.Value
		}
		put(t, s.log, login(id(i), fmt.Sprint("auth0|", i)))
	}
	seal(t, s.log)
	s.ten = checkpointOf(t, s.log)
	s.leafOf = func(id string) []byte { return find(t, h.Store, id)[0].Leaf }
	tile, _ := record(t, h.Store, "tile", fmt.Sprintf("0/%016x", 0))
	s.tile = driver.Write{Kind: "tile", Key: tile.Key, Value: tile.Value, Version: driver.Any}
	s.point = driver.Write{Kind: "checkpoint", Key: fmt.Sprintf("%020d", 10), Version: driver.Any}
	return s
}

// state changes records as someone with access to the tables does.
func (s *scene) state(ctx context.Context, writes ...driver.Write) error {
	return s.Store.Append(ctx, driver.Batch{Writes: writes})
}

// A tampering is done to a scene, and must be found by Verify with what was kept.
type tampering struct {
	name      string
	do        func(ctx context.Context, s *scene) error
	want      auditlog.TamperError
	needsKept bool // Nothing in the store shows it.
}

var tamperings = []tampering{
	{name: "edited leaf", do: func(_ context.Context, s *scene) error {
		return s.Tamper.Set(id(3), "leaf", bytes.Replace(s.leafOf(id(3)), []byte("success"), []byte("failure"), 1))
	}, want: auditlog.TamperError{Index: 3, Last: 3, ID: id(3), Kind: "edited", Fields: []string{"leaf"}}},
	{name: "leaf that is no event", do: func(_ context.Context, s *scene) error {
		return s.Tamper.Set(id(3), "leaf", []byte{0xff, 0})
	}, want: auditlog.TamperError{Index: 3, Last: 3, ID: id(3), Kind: "edited", Fields: []string{"leaf"}}},
	{name: "deleted", do: func(_ context.Context, s *scene) error { return s.Tamper.Delete(id(3)) },
		want: auditlog.TamperError{Index: 3, Last: 3, Kind: "deleted"}},
	{name: "deleted, others moved up", do: func(_ context.Context, s *scene) error {
		for i := 3; i < 9; i++ {
			if err := s.Tamper.Set(id(i), "leaf", s.leafOf(id(i+1))); err != nil {
				return err
			}
		}
		return s.Tamper.Delete(id(9))
	}, want: auditlog.TamperError{Index: 3, Last: 3, ID: id(3), Kind: "deleted"}},
	{name: "reordered", do: func(_ context.Context, s *scene) error {
		two, six := s.leafOf(id(2)), s.leafOf(id(6))
		return errors.Join(s.Tamper.Set(id(2), "leaf", six), s.Tamper.Set(id(6), "leaf", two))
	}, want: auditlog.TamperError{Index: 2, Last: 2, ID: id(2), Kind: "reordered"}},
	{name: "places swapped", do: func(_ context.Context, s *scene) error { return s.Tamper.Swap(id(2), id(6)) },
		want: auditlog.TamperError{Index: 2, Last: 2, ID: id(6), Kind: "reordered"}},
	{name: "last rows deleted", do: func(_ context.Context, s *scene) error {
		return errors.Join(s.Tamper.Delete(id(8)), s.Tamper.Delete(id(9)))
	}, want: auditlog.TamperError{Index: 8, Last: 9, Kind: "truncated"}},
	{name: "tail cut off", do: func(ctx context.Context, s *scene) error {
		writes := []driver.Write{{Kind: "tree", Key: "head", Value: s.headAtFive, Version: driver.Any}, s.point}
		for kind, after := range map[string]string{"sum": "", "orgsum": "", "cursor": "sum"} { // which Run would make again
			records, err := s.Store.List(ctx, kind, after, false, 100)
			if err != nil {
				return err
			}
			for _, r := range records {
				writes = append(writes, driver.Write{Kind: kind, Key: r.Key, Version: driver.Any})
			}
		}
		return errors.Join(s.state(ctx, writes...), s.Tamper.Cut(5))
	}, want: auditlog.TamperError{Index: 5, Last: 9, Kind: "truncated"}, needsKept: true},
	{name: "head rolled back", do: func(ctx context.Context, s *scene) error {
		return s.state(ctx, driver.Write{Kind: "tree", Key: "head", Value: s.headAtFive, Version: driver.Any})
	}, want: auditlog.TamperError{Index: 5, Last: 9, Kind: "truncated"}},
	{name: "inserted", do: func(_ context.Context, s *scene) error {
		e := event(1)
		e.Leaf = s.leafOf(id(1))
		return s.Tamper.Insert(e)
	}, want: auditlog.TamperError{Index: 10, Last: 10, ID: event(1).ID, Kind: "inserted"}},
	{name: "tree edited", do: func(ctx context.Context, s *scene) error {
		s.tile.Value[7*32] ^= 1
		return s.state(ctx, s.tile)
	}, want: auditlog.TamperError{Index: 7, Last: 7, ID: id(7), Kind: "edited", Fields: []string{"tree"}}},
	{name: "tree removed", do: func(ctx context.Context, s *scene) error {
		s.tile.Value = nil
		return s.state(ctx, s.tile)
	}, want: auditlog.TamperError{Index: 0, Last: 0, ID: id(0), Kind: "edited", Fields: []string{"tree"}}},
	{name: "checkpoint removed", do: func(ctx context.Context, s *scene) error { return s.state(ctx, s.point) },
		want: auditlog.TamperError{Index: 5, Last: 9, Kind: "edited", Fields: []string{"checkpoint"}}},
	{name: "checkpoint edited", do: func(ctx context.Context, s *scene) error {
		s.point.Value = bytes.Replace(s.ten, []byte("\n10\n"), []byte("\n11\n"), 1)
		return s.state(ctx, s.point)
	}, want: auditlog.TamperError{Index: 5, Last: 9, Kind: "edited", Fields: []string{"checkpoint"}}},
	{name: "checkpoint of an earlier size", do: func(ctx context.Context, s *scene) error {
		s.point.Value = s.five
		return s.state(ctx, s.point)
	}, want: auditlog.TamperError{Index: 5, Last: 9, Kind: "edited", Fields: []string{"checkpoint"}}},
}

func runTamperings(t *testing.T, open func(*testing.T) Harness) {
	for _, c := range tamperings {
		t.Run("Tampered/"+c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			if h.Tamper == nil {
				t.Skip("the harness has no Tamper")
			}
			s := newScene(t, h)
			must(t, c.do(t.Context(), s))
			_, err := s.log.Verify(t.Context(), s.ten, s.five)
			wantTampered(t, err, c.want)
			_, err = s.log.Verify(t.Context())
			if c.needsKept {
				wantError(t, err, auditlog.ErrTailNotProved, "without a kept checkpoint")
				v, err := s.log.Verify(t.Context(), s.five)
				if err != nil || v.ProvedTo != 5 {
					t.Errorf("with the checkpoint of what is left: %+v, %v", v, err)
				}
				return
			}
			if _, found := errors.AsType[*auditlog.TamperError](err); !found {
				t.Errorf("without a kept checkpoint: %v; want a TamperError", err)
			}
		})
	}
}

func wantTampered(t *testing.T, err error, want auditlog.TamperError) {
	t.Helper()
	got, ok := errors.AsType[*auditlog.TamperError](err)
	if !ok {
		t.Errorf("got %v; want %v", err, want.Error())
		return
	}
	if got.Index != want.Index || got.Last != want.Last || got.Kind != want.Kind || got.ID != want.ID || !slices.Equal(got.Fields, want.Fields) {
		t.Errorf("got %+v; want %+v", *got, want)
	}
}

// testColumns edits every copy beside a leaf, one after the other.
func testColumns(t *testing.T, h Harness) {
	if h.Tamper == nil {
		t.Skip("the harness has no Tamper")
	}
	s := newScene(t, h)
	put(t, s.log, login("waiting", "auth0|w")) // not sealed
	for _, victim := range []struct {
		id    string
		index uint64
	}{{id(3), 3}, {"waiting", 10}} {
		row := find(t, h.Store, victim.id)[0]
		for _, c := range []struct {
			column, field string
			bad, good     any
		}{
			{"at", "time", row.At.Add(1e3), row.At},
			{"type", "type", "other", row.Type},
			{"action", "action", "login.fail", row.Action},
			{"reason", "reason", "why", row.Reason},
			{"outcome", "outcome", 2, int(row.Outcome)},
			{"actor", "actor", "user:p_other", row.Actor},
			{"on_behalf_of", "on_behalf_of", "user:p_other", row.OnBehalfOf},
			{"target", "target", "", row.Target},
			{"organization", "organization", "ORG_1", row.Organization},
			{"correlation", "correlation", "c", row.Correlation},
			{"logged_at", "logged_at", row.LoggedAt.Add(-1e3), row.LoggedAt},
		} {
			must(t, h.Tamper.Set(victim.id, c.column, c.bad))
			_, err := s.log.Verify(t.Context(), s.ten)
			wantTampered(t, err, auditlog.TamperError{Index: victim.index, Last: victim.index, ID: victim.id, Kind: "edited", Fields: []string{c.field}})
			must(t, h.Tamper.Set(victim.id, c.column, c.good))
		}
	}
	_, err := s.log.Verify(t.Context(), s.ten)
	must(t, err)
	must(t, h.Tamper.Set("waiting", "leaf", bytes.Replace(s.leafOf("waiting"), []byte("success"), []byte("failure"), 1)))
	_, err = s.log.Verify(t.Context(), s.ten)
	wantTampered(t, err, auditlog.TamperError{Index: 10, Last: 10, ID: "waiting", Kind: "edited", Fields: []string{"leaf"}})
}

// testForked compares a log with checkpoints that are not its own.
func testForked(t *testing.T, h Harness) {
	s := newScene(t, h)
	twin := newLog(t, auditlog.NewMemoryStore(), s.seal) // who has the key can write another log
	for i := range 10 {
		put(t, twin, login(id(i), "auth0|other"))
	}
	seal(t, twin)
	_, err := s.log.Verify(t.Context(), s.five, checkpointOf(t, twin))
	wantTampered(t, err, auditlog.TamperError{Index: 5, Last: 9, Kind: "forked"})
	p, err := s.log.ProveConsistency(t.Context(), checkpointOf(t, twin))
	must(t, err)
	if p.Verify(s.log.VerifierKey()) == nil {
		t.Error("a log was proved to extend another one")
	}

	other := newLog(t, auditlog.NewMemoryStore(), newSeal(t))
	put(t, other, login(id(0), "auth0|other"))
	seal(t, other)
	_, err = s.log.Verify(t.Context(), checkpointOf(t, other))
	wantError(t, err, auditlog.ErrOtherLog, "a checkpoint of another signer")
	_, err = s.log.Verify(t.Context(), []byte("junk"))
	wantError(t, err, auditlog.ErrOtherLog, "a checkpoint that is none")
}

// A sumTampering changes the value of a record.
type sumTampering struct {
	name, record string
	old, new     string // In the value; without old it is all of it, and without both the record goes.
	kind, found  string // Found is the record unless it says another.
}

func sumTamperings(t *testing.T, s driver.Store) []sumTampering {
	sum := sha256.Sum256([]byte("org_1"))
	org := "orgsum/" + hex.EncodeToString(sum[:16]) + "/2026-11-24/0"
	other := "orgsum/" + strings.Repeat("0f", 16) + "/2026-11-24/0"
	day := recordWith(t, s, "sum", "\x16\x14\x00\x00\x00") // 11 events, 10 succeeded
	const cursor = "cursor/sums"
	return []sumTampering{
		{"counter of a day", day, "\x16\x14\x00\x00\x00", "\x16\x12\x02\x00\x00", "edited", ""},
		{"counter of an organization", org, "\x14\x14\x00\x00\x00", "\x14\x12\x02\x00\x00", "edited", ""},
		{"event that a section lists", recordWith(t, s, "sum", "adm1"), "adm1", "adm2", "edited", ""},
		{"not readable", day, "", "\x09", "edited", ""},
		{"day removed", day, "", "", "deleted", ""},
		{"organization removed", org, "", "", "deleted", ""},
		{"day added", "sum/2026-11-25/0", "", "\x01\x00", "inserted", ""},
		{"organization added", other, "", "\x01\x00", "inserted", ""},
		{"key of nothing", "sum/x", "", "\x01\x00", "inserted", ""},
		{"key of two lines", "sum/x\n", "", "\x01\x00", "inserted", `sum/x\n`},
		{"cursor moved back", cursor, `"next":11`, `"next":5`, "edited", ""},
		{"cursor moved on", cursor, `"next":11`, `"next":99`, "edited", ""},
		{"cursor removed", cursor, "", "", "inserted", org},
		{"cursor not readable", cursor, "", "{", "edited", ""},
		{"open login", cursor, `"s":"success"`, `"s":"failure"`, "edited", ""},
		{"login's organization", cursor, `"o":"org_1"`, `"o":"org_2"`, "edited", ""},
		{"month taken for expired", "retention/expired", "", `{"event":"e1","ranges":[],"months":["2026-11"]}`, "edited", ""},
	}
}

// testSums changes the records that reports count by, one after the other.
func testSums(t *testing.T, h Harness) {
	s := newSeal(t)
	l := newLog(t, h.Store, s)
	for i := range 10 {
		e := login(id(i), fmt.Sprint("auth0|", i))
		e.Correlation = fmt.Sprint("login ", i)
		put(t, l, e)
	}
	put(t, l, audit.Event{ID: "adm1", Time: noon, Type: "admin", Action: "admin.sapi", Outcome: audit.Success})
	rollUp(t, h.Store, l)
	kept := checkpointOf(t, l)
	verify := func() error { _, err := l.Verify(t.Context(), kept); return err }
	must(t, verify())

	for _, c := range sumTamperings(t, h.Store) {
		kind, key, _ := strings.Cut(c.record, "/")
		before, there := record(t, h.Store, kind, key)
		value := []byte(c.new)
		if c.old != "" {
			value = bytes.Replace(before.Value, []byte(c.old), []byte(c.new), 1)
		}
		if c.old+c.new == "" {
			value = nil
		}
		change := func(value []byte) {
			must(t, h.Store.Append(t.Context(), driver.Batch{Writes: []driver.Write{{Kind: kind, Key: key, Value: value, Version: driver.Any}}}))
		}
		change(value)
		err := verify()
		found := c.found
		if found == "" {
			found = c.record
		}
		got, ok := errors.AsType[*auditlog.TamperError](err)
		if !ok || got.Kind != c.kind || got.Record != found || !strings.Contains(got.Error(), found) {
			t.Errorf("%s: got %v; want %s was %s", c.name, err, found, c.kind)
		}
		if change(nil); there {
			change(before.Value)
		}
	}
	must(t, verify())
}

// recordWith returns the record of a kind whose value has some bytes.
func recordWith(t *testing.T, s driver.Store, kind, part string) string {
	t.Helper()
	records, err := s.List(t.Context(), kind, "", false, 1000)
	must(t, err)
	for _, r := range records {
		if bytes.Contains(r.Value, []byte(part)) {
			return kind + "/" + r.Key
		}
	}
	t.Fatalf("no record of %s has %q", kind, part)
	return ""
}

// rollUp runs a log until its first sums are there.
func rollUp(t *testing.T, s driver.Store, l *auditlog.Log) {
	t.Helper()
	defer inRun(t, l)()
	until(t, "the sums are there", func() bool {
		_, there := record(t, s, "cursor", "sums")
		return there
	})
}
