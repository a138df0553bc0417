package audittest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

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
		err := s.state(ctx, driver.Write{Kind: "tree", Key: "head", Value: s.headAtFive, Version: driver.Any}, s.point)
		return errors.Join(err, s.Tamper.Cut(5))
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
