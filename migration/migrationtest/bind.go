package migrationtest

import (
	"strconv"
	"sync"
	"testing"

	"github.com/auth0kit/auth0kit/migration/driver"
)

func bind(t *testing.T, l driver.Ledger, run, fingerprint, want string) {
	t.Helper()
	if got, err := l.Bind(t.Context(), run, fingerprint); err != nil || got != want {
		t.Errorf("Bind(%q, %q) is %q, %v; want %q", run, fingerprint, got, err, want)
	}
}

func testBind(t *testing.T, h Harness) {
	bind(t, h.Ledger, run, "", "")
	bind(t, h.Ledger, run, "", "") // asking has not bound it
	bind(t, h.Ledger, run, `{"issuer":"https://a/"}`, `{"issuer":"https://a/"}`)
	bind(t, h.Ledger, run, `{"issuer":"https://b/"}`, `{"issuer":"https://a/"}`)
	bind(t, h.Ledger, run, "", `{"issuer":"https://a/"}`)
	bind(t, h.Ledger, "another", "", "")
	bind(t, h.Ledger, "another", "x", "x")
	if f := lease(t, h.Ledger, run, "a"); f.N < 1 {
		t.Errorf("the first fence of a bound run is %+v", f)
	}
	if _, err := h.Ledger.Bind(ended(), run, "x"); err == nil {
		t.Error("Bind works after its context has ended")
	}
}

func testBindRace(t *testing.T, h Harness) {
	const n = 16
	var bound [n]string
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var err error
			if bound[i], err = h.Ledger.Bind(t.Context(), run, strconv.Itoa(i)); err != nil {
				t.Errorf("Bind: %v", err)
			}
		})
	}
	wg.Wait()
	for i := range n {
		if bound[i] == "" || bound[i] != bound[0] {
			t.Errorf("callers were told %q and %q", bound[0], bound[i])
		}
	}
}
