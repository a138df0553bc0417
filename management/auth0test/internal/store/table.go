package store

// Table holds resources by id, in the order of their creation. The zero value
// is empty. P is a pointer to what a row holds, which lets all tables share their
// machine code.
type Table[P any] struct{ rows rows }

// rows are the rows of any table, as pointers, so that they are compiled once.
type rows struct {
	index map[string]int
	all   []any // Nil where a row was deleted.
	gone  int
}

func (t *Table[P]) Get(id string) P {
	row, _ := t.rows.get(id).(P)
	return row
}

func (t *Table[P]) Put(id string, row P) { t.rows.put(id, row) }

func (t *Table[P]) Delete(id string) bool { return t.rows.delete(id) }

// Drop deletes a row whose id is not at hand.
func (t *Table[P]) Drop(row P) { t.rows.drop(row) }

func (t *Table[P]) Len() int { return len(t.rows.index) }

// All returns the rows, oldest first.
func (t *Table[P]) All() []P { return t.Some(0, t.Len()) }

// Some returns a part of all.
func (t *Table[P]) Some(start, limit int) []P {
	some := t.rows.some(start, limit)
	out := make([]P, len(some))
	for i, row := range some {
		out[i] = row.(P)
	}
	return out
}

// Find returns the first row that is as asked.
func (t *Table[P]) Find(is func(P) bool) P {
	row, _ := t.rows.find(func(row any) bool { return is(row.(P)) }).(P)
	return row
}

func (r *rows) get(id string) any {
	if i, ok := r.index[id]; ok {
		return r.all[i]
	}
	return nil
}

func (r *rows) find(is func(any) bool) any {
	for _, row := range r.all {
		if row != nil && is(row) {
			return row
		}
	}
	return nil
}

//go:noinline // Otherwise each table has it, in each package.
func (r *rows) put(id string, row any) {
	if i, ok := r.index[id]; ok {
		r.all[i] = row
		return
	}
	if r.index == nil {
		r.index = make(map[string]int)
	}
	r.index[id] = len(r.all)
	r.all = append(r.all, row)
}

func (r *rows) delete(id string) bool {
	i, ok := r.index[id]
	if !ok {
		return false
	}
	delete(r.index, id)
	r.all[i] = nil
	r.gone++
	if r.gone > 64 && r.gone > len(r.all)/2 {
		r.compact()
	}
	return true
}

func (r *rows) drop(row any) {
	for id, i := range r.index {
		if r.all[i] == row {
			r.delete(id)
			return
		}
	}
}

func (r *rows) compact() {
	moved := make(map[int]int, len(r.index))
	all := r.all[:0]
	for i, row := range r.all {
		if row != nil {
			moved[i] = len(all)
			all = append(all, row)
		}
	}
	clear(r.all[len(all):])
	for id, i := range r.index {
		r.index[id] = moved[i]
	}
	r.all, r.gone = all, 0
}

func (r *rows) some(start, limit int) []any {
	if r.gone == 0 {
		return r.all[min(start, len(r.all)):min(start+limit, len(r.all))]
	}
	var out []any
	for _, row := range r.all {
		if row == nil {
			continue
		}
		if start--; start < 0 && len(out) < limit {
			out = append(out, row)
		}
		if len(out) == limit {
			break
		}
	}
	return out
}
