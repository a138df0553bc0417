package anomaly

import (
	"encoding/binary"
	"errors"
	"math"
)

// MaxProfile bounds an encoded profile in bytes.
const MaxProfile = 1024

// ErrDamaged is returned when a stored blob is not one that this package wrote. Forget the
// user, or Forget with an empty id in the Store for the sketch; the history is lost.
var ErrDamaged = errors.New("anomaly: stored blob is damaged")

// ErrNewer is returned when the next release has written a blob in a format that
// this one does not know. Nothing is lost: finish the update of all processes.
var ErrNewer = errors.New("anomaly: stored blob was written by the next release; finish the update")

// The layout, little endian: format, zone, day, minute, logins, asked, fresh,
// shown, voices; 24 hours; then each list with its length in one byte before it.
//
// A reader takes its own format and the one before it. The first had no shown,
// voices and rate of missing addresses, and devices that were not bound to a
// browser.
const (
	profileFormat = 2
	hoursSize     = 24 * 2
	headerSize    = 16 + 4*freshKinds + 4 + 1 + hoursSize
	freshKinds1   = 4
	headerSize1   = 16 + 4*freshKinds1 + hoursSize
	tallySize     = 6
	deviceSize    = 11
	spotSize      = 14
	pendingSize   = 8
)

var le = binary.LittleEndian

// checkFormat tells what the next release has written from what nobody has.
func checkFormat(b []byte, current byte) error {
	switch {
	case len(b) > 0 && (b[0] == current || b[0] == current-1 && b[0] > 0):
		return nil
	case len(b) > 0 && b[0] == current+1:
		return ErrNewer
	}
	return ErrDamaged
}

func (p *profile) encode(b []byte) []byte {
	b = append(b, profileFormat, byte(p.zone))
	b = le.AppendUint16(b, p.day)
	b = le.AppendUint32(b, p.minute)
	b = le.AppendUint32(b, math.Float32bits(p.logins))
	b = le.AppendUint32(b, math.Float32bits(p.asked))
	for _, f := range p.fresh {
		b = le.AppendUint32(b, math.Float32bits(f))
	}
	b = append(le.AppendUint32(b, math.Float32bits(p.shown)), p.voices)
	for _, h := range p.hours {
		b = le.AppendUint16(b, h)
	}
	for _, list := range p.tallies {
		b = append(b, byte(len(list)))
		for _, t := range list {
			b = le.AppendUint16(le.AppendUint32(b, t.key), t.count)
		}
	}
	for _, t := range p.tallies[browsers] {
		b = le.AppendUint16(b, t.major)
	}
	b = append(b, byte(len(p.devices)))
	for _, d := range p.devices {
		b = append(le.AppendUint16(le.AppendUint64(b, d.hash), d.day), d.pack())
	}
	b = append(b, byte(len(p.places)))
	for _, s := range p.places {
		for _, v := range [...]uint16{uint16(s.x), uint16(s.y), uint16(s.z), s.radius} {
			b = le.AppendUint16(b, v)
		}
		b = le.AppendUint16(le.AppendUint32(b, s.minute), s.count)
	}
	b = append(b, byte(len(p.pending)))
	for _, c := range p.pending {
		b = le.AppendUint16(le.AppendUint16(le.AppendUint32(b, c.hash), c.day), c.count)
	}
	return b
}

// decode fills p from a view, reusing p's lists.
func (p *profile) decode(v *view) {
	p.header = v.header
	for i := range p.hours {
		p.hours[i] = 0
		if v.hours != nil {
			p.hours[i] = le.Uint16(v.hours[2*i:])
		}
	}
	for i, raw := range v.tallies {
		p.tallies[i] = readAll(p.tallies[i][:0], raw, tallySize, readTally)
	}
	for i := range p.tallies[browsers] {
		p.tallies[browsers][i].major = v.major(i)
	}
	p.devices = p.devices[:0]
	for raw := v.devices; len(raw) >= deviceSize; raw = raw[deviceSize:] {
		p.devices = append(p.devices, readDevice(raw, v.old))
	}
	p.places = readAll(p.places[:0], v.places, spotSize, readSpot)
	p.pending = readAll(p.pending[:0], v.pending, pendingSize, readPending)
}

func readAll[T any](dst []T, raw []byte, size int, read func([]byte) T) []T {
	for ; len(raw) >= size; raw = raw[size:] {
		dst = append(dst, read(raw))
	}
	return dst
}

func readTally(b []byte) tally { return tally{key: le.Uint32(b), count: le.Uint16(b[4:])} }

// unbound marks a device of the first format in the count.
const unbound = 1 << 7

func readDevice(b []byte, first bool) device {
	count, old := b[10], b[10]&unbound != 0
	if first {
		count, old = min(count, maxSeen), true
	}
	return device{le.Uint64(b), le.Uint16(b[8:]), count &^ unbound, old}
}

func (d device) pack() uint8 {
	if d.old {
		return d.count | unbound
	}
	return d.count
}

func readSpot(b []byte) (s spot) {
	s.read(b)
	return s
}

func (s *spot) read(b []byte) {
	at, seen := le.Uint64(b), le.Uint64(b[spotSize-8:]) // two loads, overlapping
	s.x, s.y, s.z, s.radius = int16(at), int16(at>>16), int16(at>>32), uint16(at>>48)
	s.minute, s.count = uint32(seen>>16), uint16(seen>>48)
}

func readPending(b []byte) pending { return pending{le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:])} }
