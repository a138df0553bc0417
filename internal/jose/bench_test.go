package jose_test

import (
	"testing"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
)

// The comparison with other libraries is in bench.
func BenchmarkVerify(b *testing.B) {
	for alg, token := range map[string]string{
		"RS256": good(),
		"ES256": josetest.Sign(josetest.EC(), josetest.With(josetest.Header("es"), "alg", "ES256"), claims()),
	} {
		b.Run(alg, func(b *testing.B) {
			v := verifier(b, josetest.NewIssuer(), alg)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
