package tenancy_test

import (
	"testing"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

// The comparison with other libraries is in bench.
func BenchmarkVerify(b *testing.B) {
	i := josetest.NewIssuer()
	good := token(i, "", nil)
	for name, size := range map[string]int{"cached": 0, "strict": -1} {
		b.Run(name, func(b *testing.B) {
			v := verifier(b, i, tenancy.VerifierConfig{CacheSize: size})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), good); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("extract cached", func(b *testing.B) {
		x := extractor(b, i, tenancy.FromToken, tenancy.GuardConfig{})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := x.extract(b.Context(), good); err != nil {
				b.Fatal(err)
			}
		}
	})
}
