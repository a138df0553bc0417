package delegation_test

import (
	"bytes"
	"testing"

	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

func FuzzReadApplied(f *testing.F) {
	f.Add([]byte(`{"plan":{"org_id":"org_1","role_id":"rol_1","declared":["a@b.test"],"state":"00","changes":[],"before":1,"administrators":1},"at":"2026-11-28T00:00:00Z","changes":[{"kind":"invite","email":"a@b.test","done":true,"error":"x"}]}`))
	f.Add([]byte(`{"changes":[{"kind":"unheard of"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		done, err := delegation.ReadApplied(bytes.NewReader(text))
		if err != nil {
			return
		}
		var first, second bytes.Buffer
		if err := done.WriteJSON(&first); err != nil {
			t.Skip() // A year that JSON cannot write.
		}
		written := first.String()
		again, err := delegation.ReadApplied(&first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if err := again.WriteJSON(&second); err != nil || second.String() != written {
			t.Errorf("%s became %s, %v", written, second.String(), err)
		}
		_ = done.WriteDiff(&first, true)
	})
}
