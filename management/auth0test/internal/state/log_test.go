package state

import (
	"testing"
)

func TestOldLogEntriesGo(test *testing.T) {
	test.Parallel()
	t := New(Options{})
	t.Lock()
	defer t.Unlock()
	t.Auth.Logs.keep = 100
	for range 101 {
		t.Log("s", LogFields{})
	}
	if kept := t.Auth.Logs.Entries; len(kept) != 91 || kept[0].Seq != 11 {
		test.Errorf("%d entries are kept, from %d on", len(kept), kept[0].Seq)
	}
}
