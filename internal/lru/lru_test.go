package lru

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCacheForgetsWhatWasNotUsedForLongest(t *testing.T) {
	t.Parallel()
	c := New[string, int](3)
	never := func() int { t.Error("made again"); return 0 }
	c.Put("a", 1)
	c.Put("b", 2)
	require.Equal(t, 3, c.GetOr("c", func() int { return 3 }))
	c.Get("a")
	require.Equal(t, 2, c.GetOr("b", never))
	c.Put("d", 4)
	_, ok := c.Get("c")
	require.False(t, ok)
	c.Put("a", 5) // The newest again, and no fourth.
	require.Equal(t, 3, c.Len())
	c.Put("e", 6)
	_, ok = c.Get("b")
	require.False(t, ok)
	require.Equal(t, 5, c.GetOr("a", never))

	c.Drop("a")
	c.Drop("a")
	require.Equal(t, 2, c.Len())
	c.DropIf(func(key string) bool { return key == "d" })
	_, ok = c.Get("d")
	require.False(t, ok)
	require.Equal(t, 6, c.GetOr("e", never))
	require.Equal(t, 1, c.Len())
}

func TestCacheUnderConcurrency(t *testing.T) {
	t.Parallel()
	c := New[int, int](10)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for m := range 1000 {
				key := (n * m) % 25
				assert.Equal(t, key, c.GetOr(key, func() int { return key }))
				if got, ok := c.Get(key + 1); ok {
					assert.Equal(t, key+1, got)
				}
				c.Put(key+2, key+2)
				switch m % 50 {
				case 0:
					c.Drop(key)
				case 1:
					c.DropIf(func(k int) bool { return k%2 == 0 })
				}
				assert.LessOrEqual(t, c.Len(), 10)
			}
		})
	}
	wg.Wait()
}
