package auditlog

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// slot is a part of what is summed of a day: the unit in which sums are held.
type slot struct {
	day  string
	part uint8
}

func (a slot) compare(b slot) int {
	return cmp.Or(strings.Compare(a.day, b.day), cmp.Compare(a.part, b.part))
}

// scope is what one record sums: a part of everything, or an organization, by its key.
type scope struct {
	slot
	org string
}

// window is which sums are held: those of slots from one on up to another. Without a bound
// it is all of them.
type window struct {
	from, to slot // To is the zero slot for no end.
	most     int  // Cells; 0 for any number.
	cells    int
}

func (w *window) has(k slot) bool {
	return w.from.compare(k) <= 0 && (w.to == slot{} || k.compare(w.to) < 0)
}

// added is called for each new cell. When there are too many it lets the newest slots go
// until half of them is left, but never the first one.
func (w *window) added(scopes map[scope]cells) {
	if w.cells++; w.most == 0 || w.cells <= w.most {
		return
	}
	w.cells = 0
	sizes := make(map[slot]int)
	for k, c := range scopes {
		c.trim()
		sizes[k.slot] += len(c)
		w.cells += len(c)
	}
	slots := slices.Collect(maps.Keys(sizes))
	sortBy(slots, slot.compare)
	for ; len(slots) > 1 && w.cells > w.most/2; slots = slots[:len(slots)-1] {
		w.to = slots[len(slots)-1]
		w.cells -= sizes[w.to]
	}
	w.most = max(w.most, 2*w.cells)
	maps.DeleteFunc(scopes, func(k scope, _ cells) bool { return !w.has(k.slot) })
}
