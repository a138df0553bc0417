package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// A verifier of other people accepts every proof and checkpoint of a log, byte for
// byte as C2SP tlog-proof and tlog-checkpoint, and refuses what was changed.
func TestTorchwoodAcceptsOurProofs(t *testing.T) {
	log, stop, err := sealing(t.Context(), auditlog.NewMemoryStore())
	if err != nil {
		t.Fatal(err)
	}
	const events = 300
	record := func(from, to int) {
		for i := from; i < to; i++ {
			e := audit.Event{ID: fmt.Sprint("e", i), Type: "session", Action: "session.create", Actor: audit.Ref{Kind: "user", ID: "auth0|ann"}}
			if err := audit.Record(t.Context(), log, e); err != nil {
				t.Fatal(err)
			}
		}
		for {
			s, err := log.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s.Unsealed == 0 {
				return
			}
			time.Sleep(10 * time.Millisecond) // the sequencers are in other goroutines
		}
	}
	record(0, 100)
	record(100, events)
	stop()
	verifier, err := note.NewVerifier(log.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy("example.com/bench"), torchwood.SingleVerifierPolicy(verifier))
	signed, err := log.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := torchwood.VerifyCheckpoint(signed, policy); err != nil || c.N != events || c.Origin != "example.com/bench" {
		t.Fatalf("the checkpoint: %+v, %v", c, err)
	}
	for i := range events {
		proofOf(t, log, policy, fmt.Sprint("e", i))
	}
}

func proofOf(t *testing.T, log *auditlog.Log, policy torchwood.Policy, id string) {
	t.Helper()
	p, err := log.Prove(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	leaf := tlog.RecordHash(p.Leaf)
	if err := torchwood.VerifyProof(policy, leaf, text); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	if extra, err := torchwood.ProofExtraData(text); err != nil || string(extra) != string(p.Leaf) {
		t.Errorf("%s: the extra data: %q, %v", id, extra, err)
	}
	leaf[0] ^= 1
	if torchwood.VerifyProof(policy, leaf, text) == nil {
		t.Errorf("%s: another leaf was accepted", id)
	}
	moved := strings.Replace(string(text), fmt.Sprintf("index %d\n", p.Index), fmt.Sprintf("index %d\n", p.Index^1), 1)
	if torchwood.VerifyProof(policy, tlog.RecordHash(p.Leaf), []byte(moved)) == nil {
		t.Errorf("%s: another place was accepted", id)
	}
}
