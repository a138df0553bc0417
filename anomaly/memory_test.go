package anomaly_test

import (
	"fmt"
	"testing"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/anomalytest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	anomalytest.Run(t, func(*testing.T) anomalytest.Harness {
		return anomalytest.Harness{Store: anomaly.NewMemory(0), Other: anomaly.NewMemory(0)}
	})
}

func TestMemoryKeepsWhoComesBack(t *testing.T) {
	t.Parallel()
	store := anomaly.NewMemory(640)
	if err := store.Save(t.Context(), "", []byte("sketch"), 0); err != nil {
		t.Fatal(err)
	}
	for i := range 20_000 {
		if err := store.Save(t.Context(), anomaly.Key(fmt.Sprint("passer-by ", i)), []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		if _, version, err := store.Load(t.Context(), "regular", nil); err != nil {
			t.Fatal(err)
		} else if version == 0 {
			if i > 0 {
				t.Fatalf("dropped a profile in use after %d others", i)
			}
			if err := store.Save(t.Context(), "regular", []byte("x"), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := store.Len(); n != 640 {
		t.Errorf("%d profiles, want the limit of 640", n)
	}
	if blob, _, err := store.Load(t.Context(), "", nil); err != nil || string(blob) != "sketch" {
		t.Errorf("the sketch was dropped: %q, %v", blob, err)
	}
}
