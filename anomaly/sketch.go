package anomaly

import (
	"math"
	"sync/atomic"
)

// sketch is how often each value was seen in the whole population: small exact
// tables where there are few values, count-min tables where there are many. It
// has a fixed size, and sketches of several processes add up cell by cell.
// Counts are in units of 1/16 login. It is safe for concurrent use.
type sketch struct {
	cells []atomic.Uint32
	noise [tableCount]float64 // logins that collide with a value in the mean; set before others see the sketch
}

const populationUnit = 16

// table is a count-min table of rows × width cells; one row of direct indices
// where every key is below width.
type table struct{ offset, rows, width, number int }

func (t table) end() int { return t.offset + max(1, t.rows)*t.width }

var (
	totals       = table{0, 0, totalCells, 0}
	countryTable = table{totals.end(), 0, 677, 1}
	systemTable  = table{countryTable.end(), 0, 256, 2}
	hourTable    = table{systemTable.end(), 0, 24, 3}
	asnTable     = table{hourTable.end(), 3, 4096, 4}
	prefixTable  = table{asnTable.end(), 3, 8192, 5}
	browserTable = table{prefixTable.end(), 3, 1024, 6}
	agentTable   = table{browserTable.end(), 3, 4096, 7}
	sharersTable = table{agentTable.end(), 3, 4096, 8}                 // users per prefix
	idTable      = table{sharersTable.end(), 3, 4096, 9}               // users per device id
	oddsTable    = table{idTable.end(), 0, oddsClasses * oddsBins, 10} // genuine logins by class and log-odds
	cellCount    = oddsTable.end()

	counted = []table{asnTable, prefixTable, browserTable, agentTable, sharersTable, idTable}
)

const tableCount = 11

const (
	totalNetworks = iota // logins with a country
	totalAgents          // … with a user agent
	totalAsked           // … that could have shown a known device
	totalLater           // … of users with a history
	totalHours           // all
	totalShown           // … with a device id
	totalFresh           // the first of freshKinds
	totalCells    = totalFresh + freshKinds
)

func newSketch() *sketch { return &sketch{cells: make([]atomic.Uint32, cellCount)} }

// hash is where a key lies in the first row, and how far on it lies in each next
// one. Widths of hashed tables are powers of two.
func (t table) hash(key uint32) (at, step uint32) {
	h := mix(uint64(key) | uint64(t.offset)<<32)
	return uint32(h), uint32(h>>32) | 1
}

func (s *sketch) add(t table, key uint32) {
	if t.rows == 0 {
		s.cells[t.offset+int(key)%t.width].Add(populationUnit)
		return
	}
	at, step := t.hash(key)
	for row := range t.rows {
		s.cells[t.offset+row*t.width+int(at&uint32(t.width-1))].Add(populationUnit)
		at += step
	}
}

// count estimates how many logins had key: the least of its cells, without what
// collides there in the mean.
func (s *sketch) count(t table, key uint32) float64 {
	return max(0, s.least(t, key)-s.noise[t.number])
}

func (s *sketch) least(t table, key uint32) float64 {
	if t.rows == 0 {
		return float64(s.cells[t.offset+int(key)%t.width].Load()) / populationUnit
	}
	n := uint32(math.MaxUint32)
	at, step := t.hash(key)
	for row := range t.rows {
		n = min(n, s.cells[t.offset+row*t.width+int(at&uint32(t.width-1))].Load())
		at += step
	}
	return float64(n) / populationUnit
}

// measureNoise asks for values that nobody has. Only before others see the
// sketch.
func (s *sketch) measureNoise() {
	const decoys = 64
	for _, t := range counted {
		sum := 0.0
		for i := range uint32(decoys) {
			sum += s.least(t, uint32(mix(uint64(i)<<40|uint64(t.number))))
		}
		s.noise[t.number] = sum / decoys
	}
}

// hour is the weight of the logins around an hour, in logins.
func (s *sketch) hour(h int) float64 {
	return float64(s.cells[hourTable.offset+h].Load()) / unit
}

func (s *sketch) total(which uint32) float64 { return s.count(totals, which) }

func (s *sketch) addAll(from *sketch) {
	for i := range from.cells {
		if n := from.cells[i].Load(); n != 0 {
			s.cells[i].Add(n)
		}
	}
}

// scale multiplies every cell; only a sketch that nobody else has is scaled.
func (s *sketch) scale(f float64) {
	for i := range s.cells {
		s.cells[i].Store(uint32(float64(s.cells[i].Load()) * f))
	}
}

// lesson is what the population learns of one login.
type lesson struct {
	net    network
	agent  agent
	hour   int
	later  bool // of a user with a history
	asked  bool // a known device could have been shown
	shown  bool // an id that names a device was
	shared bool // an id that everybody shows was
	id     idHash
	fresh  [freshKinds]bool
	class  Class
	odds   float64
}

// learn adds one login of a user.
func (s *sketch) learn(l *lesson) {
	n, a := l.net, l.agent
	if n.country != 0 {
		s.add(totals, totalNetworks)
		s.add(countryTable, n.country)
		s.add(asnTable, pairKey(n.country, n.asn))
		s.add(prefixTable, pairKey(n.asn, n.prefix))
	}
	if a.known() {
		s.add(totals, totalAgents)
		s.add(systemTable, a.device)
		s.add(browserTable, a.browser)
		s.add(agentTable, a.full)
	}
	if n.prefix != 0 && (!l.later || l.fresh[freshPrefix]) {
		s.add(sharersTable, n.prefix)
	}
	if l.shown {
		s.add(totals, totalShown)
	}
	if l.id != 0 && (l.shared || !l.later || l.fresh[freshDevice]) {
		s.add(idTable, l.id.key())
	}
	s.add(totals, totalHours)
	spread(l.hour, unit, func(h int, weight uint32) { s.cells[hourTable.offset+h].Add(weight) })
	if l.later {
		s.add(totals, totalLater)
	}
	if l.asked {
		s.add(totals, totalAsked)
	}
	for kind, is := range l.fresh {
		if is {
			s.add(totals, totalFresh+uint32(kind))
		}
	}
}

func pairKey(a, b uint32) uint32 { return uint32(mix(uint64(a)<<32 | uint64(b))) }

// Formats as of profiles. The first had neither totalShown, freshMissing nor the
// last three tables.
const (
	sketchFormat = 2
	totalCells1  = 4 + 1 + freshKinds1
)

// encode writes format, day and the cells.
func (s *sketch) encode(day uint16) []byte {
	b := make([]byte, 0, 3+4*len(s.cells))
	b = le.AppendUint16(append(b, sketchFormat), day)
	for i := range s.cells {
		b = le.AppendUint32(b, s.cells[i].Load())
	}
	return b
}

func decodeSketch(b []byte) (*sketch, uint16, error) {
	s := newSketch()
	if err := checkFormat(b, sketchFormat); err != nil {
		return nil, 0, err
	}
	first := b[0] == sketchFormat-1
	cells := len(s.cells)
	if first {
		cells = totalCells1 + sharersTable.offset - countryTable.offset
	}
	if len(b) != 3+4*cells {
		return nil, 0, ErrDamaged
	}
	for i := range cells {
		at := i
		if first {
			at = placeOfFirst(i)
		}
		s.cells[at].Store(le.Uint32(b[3+4*i:]))
	}
	return s, le.Uint16(b[1:]), nil
}

// placeOfFirst is where a cell of the first format lies in this one.
func placeOfFirst(i int) int {
	switch {
	case i <= totalHours:
		return i
	case i < totalCells1:
		return totalFresh + i - (totalHours + 1)
	}
	return countryTable.offset + i - totalCells1
}

const (
	oddsBins = 128
	// oddsWindow is how many logins of a class are remembered: at twice as many, the
	// histogram is halved. Five percent of them are known to a tenth, and users get to be known while they are counted.
	oddsWindow = 2500.0
)

// shrink halves the histogram of a class that has seen enough.
func (s *sketch) shrink() {
	for c := range oddsClasses {
		cells := s.cells[oddsTable.offset+c*oddsBins:][:oddsBins]
		total := 0.0
		for i := range cells {
			total += float64(cells[i].Load()) / populationUnit
		}
		if total > 2*oddsWindow {
			for i := range cells {
				cells[i].Store(cells[i].Load() / 2)
			}
		}
	}
}

// anybodys reports whether so many users show an id that it names no device, such as a
// public terminal's; and whether half of all logins do, so that it is a fault of the
// service. A smaller share anybody can make, with accounts of their own.
func (s *sketch) anybodys(id idHash) (shared, fault bool) {
	const many = 20
	users := s.count(idTable, id.key())
	shared = users > many && users > many+4*math.Sqrt(s.noise[idTable.number])
	return shared, shared && users > s.total(totalHours)/2
}
