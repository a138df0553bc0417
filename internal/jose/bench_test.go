package jose_test

import (
	"testing"

	"github.com/auth0kit/auth0kit/internal/jose"
)

// The comparison with other libraries is in internal/bench.
func BenchmarkVerify(b *testing.B) {
	for alg, token := range map[string]string{
		"RS256": good(),
		"ES256": sign(ecKey(), with(header("es"), "alg", "ES256"), claims()),
	} {
		b.Run(alg, func(b *testing.B) {
			v := newIssuer().verifier(b, func(p *jose.Policy) { p.Algorithms = []string{alg} })
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
