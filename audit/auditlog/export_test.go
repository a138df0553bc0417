package auditlog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// MemoryTamper changes a memory store behind its back.
type MemoryTamper struct{ Store driver.Store }

func (m MemoryTamper) change(id string, f func(s *memory, at int)) error {
	s := m.Store.(*memory)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.rows, func(r driver.Row) bool { return r.ID == id })
	if at < 0 {
		return fmt.Errorf("no row %q", id)
	}
	f(s, at)
	return nil
}

// Set changes a column.
func (m MemoryTamper) Set(id, column string, value any) error {
	return m.change(id, func(s *memory, at int) {
		r := &s.rows[at]
		switch v := value.(type) {
		case []byte:
			r.Leaf = v
		case time.Time:
			*map[string]*time.Time{"at": &r.At, "logged_at": &r.LoggedAt}[column] = v
		case int:
			r.Outcome = audit.Outcome(v)
		case string:
			*map[string]*string{
				"type": &r.Type, "action": &r.Action, "reason": &r.Reason, "actor": &r.Actor, "on_behalf_of": &r.OnBehalfOf,
				"target": &r.Target, "organization": &r.Organization, "correlation": &r.Correlation,
			}[column] = v
		}
	})
}

// Delete removes a row.
func (m MemoryTamper) Delete(id string) error {
	return m.change(id, func(s *memory, at int) { s.rows = slices.Delete(s.rows, at, at+1) })
}

// Insert adds a row in a block of its own.
func (m MemoryTamper) Insert(e driver.Event) error {
	s := m.Store.(*memory)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks++
	s.ids[e.ID] = driver.Place{Block: s.blocks}
	s.rows = append(s.rows, driver.Row{Event: e, Place: s.ids[e.ID]})
	return nil
}

// Swap exchanges the places of two blocks.
func (m MemoryTamper) Swap(id, other string) error {
	s := m.Store.(*memory)
	s.mu.Lock()
	defer s.mu.Unlock()
	a, b := s.placed[s.ids[id].Block], s.placed[s.ids[other].Block]
	a.First, b.First = b.First, a.First
	for _, p := range []driver.Placed{a, b} {
		s.placed[p.Block] = p
		s.order[slices.IndexFunc(s.order, func(o driver.Placed) bool { return o.Block == p.Block })] = p
	}
	slices.SortFunc(s.order, func(a, b driver.Placed) int { return cmp.Compare(a.First, b.First) })
	return nil
}

// Cut removes the end.
func (m MemoryTamper) Cut(from uint64) error {
	s := m.Store.(*memory)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = slices.DeleteFunc(s.rows, func(r driver.Row) bool { return s.place(r).Sealed && s.place(r).Index >= from })
	s.order = slices.DeleteFunc(s.order, func(p driver.Placed) bool { return p.First >= from })
	for block, p := range s.placed {
		if p.First >= from {
			delete(s.placed, block)
		}
	}
	return nil
}

// DecodeSums decodes encoded sums and encodes them again.
func DecodeSums(b []byte) ([]byte, error) {
	c := make(cells)
	err := c.decodeInto(b)
	return c.encode(), err
}

// SomeSums are encoded sums.
func SomeSums() []byte {
	return cells{"t": {First: 1, Last: 2, Events: 3, Failed: -1}, "u:user:p_A": {Events: 300, Event: "e1"}}.encode()
}

// RaceSpool makes spool files as fast as it can while another process takes those that
// are empty and not locked for its own. It returns how many were gone while their maker had
// the lock.
func RaceSpool(dir string, files int) (gone int, err error) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			paths, _ := spoolFiles(dir, "log")
			for _, path := range paths {
				if f, err := adoptSpoolFile("log", path); err == nil {
					_ = f.remove()
					f.close()
				}
			}
		}
	}()
	defer func() { close(stop); <-done }()
	for range files {
		f, err := createSpoolFile(dir, "log")
		if err != nil {
			return gone, err
		}
		if os.Remove(f.path) != nil {
			gone++
		}
		f.close()
	}
	return gone, nil
}

// RecountInSteps makes Verify hold some sums at a time only.
func RecountInSteps(l *Log, cells int) { l.recountCells = cells }

// SumUp sums sealed rows in steps that end at the given indexes. It returns the records, and the
// open attempts as one of them.
func SumUp(rows []driver.Row, ends []uint64, expired ...string) (map[string]string, error) {
	var at rolledUp
	all := make(map[string]cells)
	months := expiredRecord{Months: expired}.months()
	for _, end := range ends {
		s := newSums(at, months)
		for ; len(rows) > 0 && rows[0].Index < end; rows = rows[1:] {
			s.take(&rows[0])
		}
		s.reach(end)
		for k, c := range s.scopes {
			if name := k.record().String(); all[name] == nil {
				all[name] = c
			} else {
				all[name].merge(c)
			}
			all[k.record().String()].trim()
		}
		at = rolledUp{Next: end, Open: s.open, Logged: s.logged}
	}
	at = rolledUp{Next: at.Next, Open: newSums(at, months).open, Logged: newSums(at, months).logged}
	text, err := json.Marshal(at)
	out := map[string]string{"cursor/sums": string(text)}
	for name, c := range all {
		out[name] = string(c.encode())
	}
	return out, err
}

// Attempts counts the attempts of sealed rows.
func Attempts(rows ...driver.Row) (n int64) {
	s := newSums(rolledUp{}, nil)
	for i := range rows {
		s.take(&rows[i])
	}
	for _, c := range s.scopes {
		n += c[ofAll].Succeeded + c[ofAll].Failed + c[ofAll].Unknown
	}
	return n
}
