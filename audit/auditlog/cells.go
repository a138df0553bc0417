package auditlog

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
)

// cell is what is summed under one key. All of it may be negative in a
// correction, but for the times.
type cell struct {
	First, Last                int64 // Of the events, in microseconds since 1970; 0 for none.
	Events                     int64
	Succeeded, Failed, Unknown int64  // Attempts.
	Event                      string // One of the events, which names the user of the cell.
}

// cells are the sums of one day, or of one part of it.
type cells map[string]cell

func (c cells) add(key string, d cell) {
	have := c[key]
	if d.First != 0 && (have.First == 0 || d.First < have.First) {
		have.First = d.First
	}
	if d.Last > have.Last {
		have.Last = d.Last
	}
	have.Events += d.Events
	have.Succeeded += d.Succeeded
	have.Failed += d.Failed
	have.Unknown += d.Unknown
	if d.Event != "" {
		have.Event = d.Event
	}
	c[key] = have
}

func (c cells) merge(o cells) {
	for key, d := range o {
		c.add(key, d)
	}
}

const cellsVersion = 1

// encode writes the cells in the order of their keys, as texts with their lengths
// and variable-length integers: a day of a large tenant has many.
func (c cells) encode() []byte {
	b := binary.AppendUvarint([]byte{cellsVersion}, uint64(len(c)))
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	for _, key := range slices.Sorted(maps.Keys(c)) {
		d := c[key]
		text(key)
		for _, n := range []int64{d.First, d.Last, d.Events, d.Succeeded, d.Failed, d.Unknown} {
			b = binary.AppendVarint(b, n)
		}
		text(d.Event)
	}
	return b
}

var errCells = errors.New("auditlog: the sums of a day are not readable")

// decodeInto adds encoded cells to c.
func (c cells) decodeInto(b []byte) error {
	if len(b) == 0 || b[0] != cellsVersion {
		return errCells
	}
	r := cellReader{rest: b[1:]}
	for n := r.count(); n > 0 && !r.bad; n-- {
		key := r.text()
		var d cell
		for _, to := range []*int64{&d.First, &d.Last, &d.Events, &d.Succeeded, &d.Failed, &d.Unknown} {
			*to = r.number()
		}
		d.Event = r.text()
		if !r.bad {
			c.add(key, d)
		}
	}
	if r.bad || len(r.rest) > 0 {
		return errCells
	}
	return nil
}

type cellReader struct {
	rest []byte
	bad  bool
}

func (r *cellReader) count() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > math.MaxInt32 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *cellReader) number() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *cellReader) text() string {
	n := r.count()
	if n > uint64(len(r.rest)) {
		r.bad = true
	}
	if r.bad {
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
