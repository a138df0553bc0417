package keys

import (
	"testing"
)

func TestKeyPairsAreAllDifferent(test *testing.T) {
	test.Parallel()
	seen := map[[2]int]bool{}
	for n := range 1000 {
		i, j := pair(n)
		if i >= j || seen[[2]int{i, j}] {
			test.Fatalf("pair %d is %d, %d", n, i, j)
		}
		seen[[2]int{i, j}] = true
	}
	k := NewRSAKey()
	if err := k.Validate(); err != nil || k.N.BitLen() != 2048 {
		test.Errorf("key of %d bits: %v", k.N.BitLen(), err)
	}
}
