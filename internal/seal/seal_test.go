package seal_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/seal"
)

func newKey(t testing.TB) []byte {
	t.Helper()
	k := make([]byte, seal.KeySize)
	if _, err := rand.Read(k); err != nil {
		t.Fatal(err)
	}
	return k
}

func newRing(t testing.TB, purpose string, keys ...[]byte) *seal.Ring {
	t.Helper()
	r, err := seal.New(purpose, keys)
	require.NoError(t, err)
	return r
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	r := newRing(t, "test", newKey(t))
	for _, plain := range [][]byte{nil, {}, []byte("x"), bytes.Repeat([]byte("long "), 10000)} {
		sealed := r.Seal(plain, []byte("place"))
		if len(sealed) != len(plain)+seal.Overhead {
			t.Errorf("sealed %d bytes to %d, want %d more", len(plain), len(sealed), seal.Overhead)
		}
		got, err := r.Open(sealed, []byte("place"))
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("Open(Seal(%d bytes)) = %d bytes, %v", len(plain), len(got), err)
		}
	}
}

func TestSealIsRandomized(t *testing.T) {
	t.Parallel()
	r := newRing(t, "test", newKey(t))
	if bytes.Equal(r.Seal([]byte("same"), nil), r.Seal([]byte("same"), nil)) {
		t.Error("the same value sealed twice gives the same bytes")
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old, fresh := newKey(t), newKey(t)
	before := newRing(t, "test", old)
	during := newRing(t, "test", fresh, old)
	after := newRing(t, "test", fresh)

	sealed := before.Seal([]byte("v"), nil)
	if got, err := during.Open(sealed, nil); err != nil || string(got) != "v" {
		t.Errorf("the ring with both keys: %q, %v", got, err)
	}
	if !during.Stale(sealed) || before.Stale(sealed) {
		t.Error("Stale must be true for the old key only behind a new one")
	}
	if during.Stale(during.Seal([]byte("v"), nil)) {
		t.Error("a value of the first key is stale")
	}
	if _, err := after.Open(sealed, nil); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("the ring without the old key: %v, want ErrOpen", err)
	}
}

func TestOpenRefusesEveryChange(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	r := newRing(t, "test", k)
	sealed := r.Seal([]byte("secret"), []byte("session-1"))

	if _, err := r.Open(sealed, []byte("session-2")); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("another place: %v, want ErrOpen", err)
	}
	if _, err := newRing(t, "other", k).Open(sealed, []byte("session-1")); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("another purpose: %v, want ErrOpen", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := r.Open(changed, []byte("session-1")); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("byte %d changed: %v, want ErrOpen", i, err)
		}
	}
	for n := range len(sealed) {
		if _, err := r.Open(sealed[:n], []byte("session-1")); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("cut to %d bytes: %v, want ErrOpen", n, err)
		}
	}
}

func TestNewNamesTheBadKey(t *testing.T) {
	t.Parallel()
	good := newKey(t)
	for _, c := range []struct {
		name    string
		purpose string
		keys    [][]byte
		want    string
	}{
		{"no purpose", "", [][]byte{good}, "purpose"},
		{"no keys", "p", nil, "Keys is empty"},
		{"short", "p", [][]byte{good, good[:31]}, "Keys[1]: has 31 bytes"},
		{"base64", "p", [][]byte{[]byte(base64.StdEncoding.EncodeToString(good))}, "has 44 bytes; 32 are needed; decode a key in base64"},
		{"zero", "p", [][]byte{make([]byte, 32)}, "Keys[0]: is one byte repeated"},
		{"twice", "p", [][]byte{good, good}, "Keys[1] is there twice"},
	} {
		if _, err := seal.New(c.purpose, c.keys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want it to say %q", c.name, err, c.want)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	r := newRing(t, "test", newKey(t), newKey(t))
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			aad := []byte{byte(i)}
			for range 50 {
				if got, err := r.Open(r.Seal(aad, aad), aad); err != nil || !bytes.Equal(got, aad) {
					t.Errorf("goroutine %d: %x, %v", i, got, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzOpen(f *testing.F) {
	r := newRing(f, "fuzz", newKey(f))
	f.Add(r.Seal([]byte("x"), nil), []byte(nil))
	f.Add([]byte{1, 2, 3}, []byte("a"))
	f.Fuzz(func(t *testing.T, sealed, aad []byte) {
		plain, err := r.Open(sealed, aad)
		if err == nil && len(plain)+seal.Overhead != len(sealed) {
			t.Errorf("opened %d bytes of %d", len(plain), len(sealed))
		}
	})
}
