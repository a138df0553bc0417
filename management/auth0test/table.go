package auth0test

// table holds resources by id, in the order of their creation. The zero value
// is empty.
type table[T any] struct {
	index map[string]int
	rows  []*T // Nil where a row was deleted.
	gone  int
}

func (t *table[T]) get(id string) *T {
	if i, ok := t.index[id]; ok {
		return t.rows[i]
	}
	return nil
}

func (t *table[T]) put(id string, row *T) {
	if i, ok := t.index[id]; ok {
		t.rows[i] = row
		return
	}
	if t.index == nil {
		t.index = make(map[string]int)
	}
	t.index[id] = len(t.rows)
	t.rows = append(t.rows, row)
}

func (t *table[T]) delete(id string) bool {
	i, ok := t.index[id]
	if !ok {
		return false
	}
	delete(t.index, id)
	t.rows[i] = nil
	t.gone++
	if t.gone > 64 && t.gone > len(t.rows)/2 {
		t.compact()
	}
	return true
}

func (t *table[T]) compact() {
	moved := make(map[int]int, len(t.index))
	rows := t.rows[:0]
	for i, r := range t.rows {
		if r != nil {
			moved[i] = len(rows)
			rows = append(rows, r)
		}
	}
	clear(t.rows[len(rows):])
	for id, i := range t.index {
		t.index[id] = moved[i]
	}
	t.rows, t.gone = rows, 0
}

func (t *table[T]) len() int { return len(t.index) }

// all returns the rows, oldest first.
func (t *table[T]) all() []*T {
	out := make([]*T, 0, len(t.index))
	for _, r := range t.rows {
		if r != nil {
			out = append(out, r)
		}
	}
	return out
}

// some returns a part of all.
func (t *table[T]) some(start, limit int) []*T {
	if t.gone == 0 {
		return t.rows[min(start, len(t.rows)):min(start+limit, len(t.rows))]
	}
	var out []*T
	for _, r := range t.rows {
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

// find returns the first row that is as asked.
func (t *table[T]) find(is func(*T) bool) *T {
	for _, r := range t.rows {
		if r != nil && is(r) {
			return r
		}
	}
	return nil
}
