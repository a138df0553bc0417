package sessiontest

import "testing"

// Run tests the store that open makes for each subtest.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	groups := map[string]map[string]func(*testing.T, Harness){
		"create": createTests, "load": loadTests, "replace": replaceTests, "delete": deleteTests, "forget": forgetTests,
		"list": listTests, "values": valueTests, "replay": replayTests, "outbox": outboxTests,
		"sweep": sweepTests, "races": raceTests,
	}
	for group, tests := range groups {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					h := open(t)
					if h.Again == nil {
						h.Again = h.Store
					}
					if h.Rounds == 0 {
						h.Rounds = 300
					}
					test(t, h)
				})
			}
		})
	}
}
