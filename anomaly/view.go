package anomaly

import "math"

// view reads an encoded profile where it lies, without decoding its lists: an
// assessment looks at few of their entries. It is valid as long as the blob is.
type view struct {
	header
	old     bool // of the format before this one
	hours   []byte
	tallies [tallyLists][]byte
	majors  []byte // of the browsers
	devices []byte
	places  []byte
	pending []byte
}

// header is what stands at a fixed place.
type header struct {
	day    uint16              // since 1970: what the counts are decayed to
	zone   int8                // quarter-hours east of UTC, where the user last was
	minute uint32              // since 1970: the last proved login
	logins float32             // decayed number of proved logins; zero: no history
	asked  float32             // decayed number of logins that could have shown a known device
	shown  float32             // decayed number of logins with a device id
	voices uint8               // proved logins on the day of minute
	fresh  [freshKinds]float32 // decayed number of logins whose value was new, by kind
}

// What can be new about a login; how often it is for a user says how much it
// means.
const (
	freshDevice = iota
	freshPrefix
	freshASN
	freshAgent
	freshMissing // no address, of a user who had one
	freshKinds
)

// open reads the outline of a blob. An empty blob is a user without history. After
// an error v is not to be used.
func (v *view) open(b []byte) error {
	if len(b) == 0 {
		*v = view{}
		return nil
	}
	if err := checkFormat(b, profileFormat); err != nil {
		return err
	}
	size, kinds := headerSize, freshKinds
	if b[0] == profileFormat-1 {
		size, kinds = headerSize1, freshKinds1
	}
	if len(b) < size {
		return ErrDamaged
	}
	v.zone, v.day, v.minute = int8(b[1]), le.Uint16(b[2:]), le.Uint32(b[4:])
	v.logins, v.asked = f32(b[8:]), f32(b[12:])
	v.fresh = [freshKinds]float32{}
	for i := range kinds {
		v.fresh[i] = f32(b[16+4*i:])
	}
	v.shown, v.voices = v.asked, 0 // what the first format did not tell apart
	if size == headerSize {
		v.shown, v.voices = f32(b[16+4*freshKinds:]), b[20+4*freshKinds]
	}
	v.old = size == headerSize1
	v.hours = b[size-hoursSize : size]
	rest, ok := b[size:], true
	for i := range v.tallies {
		v.tallies[i], rest, ok = section(rest, tallySize, tallyLimits[i], ok)
	}
	n := len(v.tallies[browsers]) / tallySize * 2
	if !ok || len(rest) < n {
		return ErrDamaged
	}
	v.majors, rest = rest[:n], rest[n:]
	v.devices, rest, ok = section(rest, deviceSize, maxDevices, ok)
	v.places, rest, ok = section(rest, spotSize, maxPlaces, ok)
	v.pending, rest, ok = section(rest, pendingSize, maxPending, ok)
	if !ok || len(rest) != 0 || !v.plausible() {
		return ErrDamaged
	}
	return nil
}

// section cuts off a list: its length in one byte, then its entries.
func section(b []byte, size, limit int, ok bool) (list, rest []byte, _ bool) {
	if !ok || len(b) == 0 || int(b[0]) > limit || len(b) < 1+int(b[0])*size {
		return nil, nil, false
	}
	end := 1 + int(b[0])*size
	return b[1:end], b[end:], true
}

func f32(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) }

func (h *header) plausible() bool {
	ok := func(f float32) bool { return f >= 0 && f < 1e9 }
	for _, f := range h.fresh {
		if !ok(f) {
			return false
		}
	}
	return ok(h.logins) && ok(h.asked) && ok(h.shown) && h.zone >= -maxZone && h.zone <= maxZone
}

// find is the position of key in a list, -1 without it.
func (v *view) find(list int, key uint32) int {
	raw := v.tallies[list]
	for i := 0; len(raw) >= tallySize; i++ {
		if le.Uint32(raw) == key {
			return i
		}
		raw = raw[tallySize:]
	}
	return -1
}

// sum is how many logins had a value of the list.
func (v *view) sum(list int) (n float64) {
	for raw := v.tallies[list]; len(raw) >= tallySize; raw = raw[tallySize:] {
		n += float64(le.Uint16(raw[4:]))
	}
	return n / unit
}

func (v *view) empty(list int) bool { return len(v.tallies[list]) == 0 }

// count of the entry at a position, in logins.
func (v *view) count(list, at int) float64 {
	return float64(le.Uint16(v.tallies[list][at*tallySize+4:])) / unit
}

// heaviest is the key with most logins, 0 without any.
func (v *view) heaviest(list int) (key uint32) {
	raw, most := v.tallies[list], uint16(0)
	for ; len(raw) >= tallySize; raw = raw[tallySize:] {
		if n := le.Uint16(raw[4:]); n > most {
			key, most = le.Uint32(raw), n
		}
	}
	return key
}

// major is the highest major version of the browser at a position.
func (v *view) major(i int) uint16 { return le.Uint16(v.majors[2*i:]) }

// hour is the weight of the logins around an hour, in logins.
func (v *view) hour(h int) float64 { return float64(le.Uint16(v.hours[2*h:])) / unit }

// device is how often a device was seen lately, 0 for one that nobody proved yet;
// ok is false for an unknown one.
func (v *view) device(hash, old uint64, today uint16) (count uint8, ok bool) {
	for raw := v.devices; len(raw) >= deviceSize; raw = raw[deviceSize:] {
		if d := readDevice(raw, v.old); d.is(hash, old) && !expired(d.day, today) {
			return d.count, true
		}
	}
	return 0, false
}

// held is how many unproved logins from a context are in quarantine.
func (v *view) held(hash uint32) uint16 {
	for raw := v.pending; len(raw) >= pendingSize; raw = raw[pendingSize:] {
		if c := readPending(raw); c.hash == hash {
			return c.count
		}
	}
	return 0
}

// around is where the closest known place and that of the last login stand; only
// for a profile with places.
func (v *view) around(s *spot) (nearest, last int) {
	closest, latest := int64(math.MaxInt64), uint32(0)
	for i := 0; i+spotSize <= len(v.places); i += spotSize {
		raw := v.places[i : i+spotSize]
		at := le.Uint64(raw)
		known := spot{x: int16(at), y: int16(at >> 16), z: int16(at >> 32)}
		if d := known.chord2(s); d < closest {
			closest, nearest = d, i
		}
		if minute := le.Uint32(raw[8:]); minute > latest {
			latest, last = minute, i
		}
	}
	return nearest, last
}
