package migration

import "hash/maphash"

// compact is a set of texts, of which it keeps 64 random bits each: open
// addressing in one slice, so that three million take 34 MB. A map takes four
// times that. The chance that among three million one is taken for another's
// duplicate is below one in three million; it would be listed as a duplicate, not
// lost, and the next run, whose bits differ, would import it.
type compact struct {
	seed  maphash.Seed
	slots []uint64 // zero is free
	n     int
}

func newCompact() *compact { return &compact{seed: maphash.MakeSeed(), slots: make([]uint64, 1024)} }

func (c *compact) hash(s string) uint64 { return max(1, maphash.String(c.seed, s)) }

// find returns the slot that has h, or the free one where it belongs.
func (c *compact) find(h uint64) *uint64 {
	for i := h; ; i++ {
		if slot := &c.slots[i&uint64(len(c.slots)-1)]; *slot == h || *slot == 0 {
			return slot
		}
	}
}

func (c *compact) has(s string) bool { return *c.find(c.hash(s)) != 0 }

func (c *compact) add(s string) {
	h := c.hash(s)
	if slot := c.find(h); *slot == 0 {
		*slot = h
		if c.n++; c.n > len(c.slots)*4/5 {
			c.grow()
		}
	}
}

func (c *compact) grow() {
	old := c.slots
	c.slots = make([]uint64, 2*len(old))
	for _, h := range old {
		if h != 0 {
			*c.find(h) = h
		}
	}
}
