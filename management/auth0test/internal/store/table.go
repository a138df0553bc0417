package store

// Table holds resources by id, in the order of their creation. The zero value
// is empty.
type Table[T any] struct {
	Index map[string]int
	Rows  []*T // Nil where a row was deleted.
	gone  int
}

func (t *Table[T]) Get(id string) *T {
	if i, ok := t.Index[id]; ok {
		return t.Rows[i]
	}
	return nil
}

func (t *Table[T]) Put(id string, row *T) {
	if i, ok := t.Index[id]; ok {
		t.Rows[i] = row
		return
	}
	if t.Index == nil {
		t.Index = make(map[string]int)
	}
	t.Index[id] = len(t.Rows)
	t.Rows = append(t.Rows, row)
}

func (t *Table[T]) Delete(id string) bool {
	i, ok := t.Index[id]
	if !ok {
		return false
	}
	delete(t.Index, id)
	t.Rows[i] = nil
	t.gone++
	if t.gone > 64 && t.gone > len(t.Rows)/2 {
		t.compact()
	}
	return true
}

// Drop deletes a row whose id is not at hand.
func (t *Table[T]) Drop(row *T) {
	for id, i := range t.Index {
		if t.Rows[i] == row {
			t.Delete(id)
			return
		}
	}
}

func (t *Table[T]) compact() {
	moved := make(map[int]int, len(t.Index))
	rows := t.Rows[:0]
	for i, r := range t.Rows {
		if r != nil {
			moved[i] = len(rows)
			rows = append(rows, r)
		}
	}
	clear(t.Rows[len(rows):])
	for id, i := range t.Index {
		t.Index[id] = moved[i]
	}
	t.Rows, t.gone = rows, 0
}

func (t *Table[T]) Len() int { return len(t.Index) }

// All returns the rows, oldest first.
func (t *Table[T]) All() []*T {
	out := make([]*T, 0, len(t.Index))
	for _, r := range t.Rows {
		if r != nil {
			out = append(out, r)
		}
	}
	return out
}

// Some returns a part of all.
func (t *Table[T]) Some(start, limit int) []*T {
	if t.gone == 0 {
		return t.Rows[min(start, len(t.Rows)):min(start+limit, len(t.Rows))]
	}
	var out []*T
	for _, r := range t.Rows {
		if r == nil {
			continue
		}
		if start--; start < 0 && len(out) < limit {
			out = append(out, r)
		}
		if len(out) == limit {
			break
		}
	}
	return out
}

// Find returns the first row that is as asked.
func (t *Table[T]) Find(is func(*T) bool) *T {
	for _, r := range t.Rows {
		if r != nil && is(r) {
			return r
		}
	}
	return nil
}
