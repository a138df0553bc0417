package anomaly

import (
	"bytes"
	"errors"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// fullProfile has the longest encoding.
func fullProfile() *profile {
	p := &profile{header: header{day: 20_000, zone: -20, minute: 28_800_000, logins: 60, asked: 59, fresh: [freshKinds]float32{12, 3, 4, 5}}}
	for list, limit := range tallyLimits {
		for i := range limit + 3 {
			p.bump(list, uint32(list*100+i+1), uint16(i))
		}
	}
	for i := range maxDevices + 3 {
		p.bumpDevice(uint64(i+1), 0, uint16(19_000+i), true)
	}
	for i := range maxPlaces + 3 {
		p.visit(newSpot(&Place{Lat: float64(i * 7), Lon: float64(i*13 - 90)}, uint32(28_000_000+i)))
	}
	for i := range maxPending + 3 {
		p.hold(uint32(i+1), 20_000)
	}
	p.bumpHour(9)
	return p
}

func TestProfileFitsAndComesBack(t *testing.T) {
	t.Parallel()
	want := fullProfile().encode(nil)
	if len(want) > MaxProfile {
		t.Fatalf("a full profile has %d bytes, more than %d", len(want), MaxProfile)
	}
	t.Logf("a full profile has %d bytes", len(want))
	var v view
	if err := v.open(want); err != nil {
		t.Fatal(err)
	}
	var p profile
	p.decode(&v)
	if got := p.encode(nil); !bytes.Equal(got, want) {
		t.Fatal("decoding and encoding changed the profile")
	}
	if p.tallies[browsers][0].major == 0 && p.tallies[browsers][1].major == 0 {
		t.Error("the browsers' versions are lost")
	}
}

func TestDamagedProfile(t *testing.T) {
	t.Parallel()
	good := fullProfile().encode(nil)
	nan := bytes.Clone(good)
	le.PutUint32(nan[8:], math.Float32bits(float32(math.NaN())))
	cases := map[string][]byte{
		"cut": good[:len(good)-1], "long": append(bytes.Clone(good), 0), "header only": good[:headerSize],
		"no format": append([]byte{0}, good[1:]...), "other format": append([]byte{9}, good[1:]...), "not a number": nan, "one byte": {profileFormat},
	}
	for name, blob := range cases {
		var v view
		if err := v.open(blob); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
}

// What the next release has written is not damaged: nobody is to be forgotten.
func TestNewerFormat(t *testing.T) {
	t.Parallel()
	profile := fullProfile().encode(nil)
	profile[0] = profileFormat + 1
	require.ErrorIs(t, new(view).open(profile), ErrNewer)
	require.ErrorIs(t, new(view).open(profile[:1]), ErrNewer, "however short its header is")

	sketch := newSketch().encode(7)
	sketch[0] = sketchFormat + 1
	_, _, err := decodeSketch(sketch)
	require.ErrorIs(t, err, ErrNewer)
	require.NotErrorIs(t, err, ErrDamaged)
}

// FuzzProfile: no blob makes a reader panic, and what is accepted is what encode
// writes.
func FuzzProfile(f *testing.F) {
	f.Add(fullProfile().encode(nil))
	f.Add((&profile{}).encode(nil))
	f.Add([]byte{})
	f.Add([]byte{profileFormat, 0})
	f.Fuzz(func(t *testing.T, blob []byte) {
		var v view
		if v.open(blob) != nil || len(blob) == 0 {
			return
		}
		var p profile
		p.decode(&v)
		if blob[0] == profileFormat && !bytes.Equal(p.encode(nil), blob) {
			t.Error("an accepted profile is not what encode writes")
		}
		if len(v.places) > 0 {
			nearest, last := v.around(&spot{x: 1})
			readSpot(v.places[max(nearest, last):])
		}
		p.advance(math.MaxUint16, 90)
		p.visit(spot{x: 100, minute: 1})
		if n := len(p.encode(nil)); n > MaxProfile {
			t.Errorf("%d bytes", n)
		}
	})
}

func TestCountsDie(t *testing.T) {
	t.Parallel()
	p := &profile{}
	p.advance(20_000, 90)
	p.bump(asns, 1, 0)
	p.logins = 1
	for day := uint16(20_001); day < 20_400; day++ {
		p.advance(day, 90)
		if len(p.tallies[asns]) == 0 {
			if age := day - 20_000; age < 120 || age > 200 {
				t.Fatalf("a single login was forgotten after %d days", age)
			}
			return
		}
	}
	t.Fatal("a single login lives longer than a year")
}

func TestCountsDoNotOverflow(t *testing.T) {
	t.Parallel()
	p := &profile{}
	for range 2_000 {
		p.bump(asns, 1, 0)
		p.bump(asns, 2, 0)
		p.bumpHour(9)
	}
	one, two := p.tallies[asns][0].count, p.tallies[asns][1].count
	if one < saturated/4 || math.Abs(float64(one)-float64(two)) > unit {
		t.Errorf("counts are %d and %d, want equal and large", one, two)
	}
	if p.hours[9] < p.hours[12] || p.hours[9] < saturated/4 {
		t.Errorf("hours are %v", p.hours)
	}
}

func TestSketchEstimates(t *testing.T) {
	t.Parallel()
	s := newSketch()
	for i := range 20_000 {
		s.learn(&lesson{net: network{country: uint32(i%50) + 1, asn: uint32(i % 2000), prefix: uint32(i)}, hour: i % 24})
	}
	total := s.total(totalNetworks)
	if total != 20_000 {
		t.Fatalf("total %v", total)
	}
	if n := s.count(countryTable, 1); n != 400 {
		t.Errorf("a country has %v logins, want 400", n)
	}
	s.measureNoise()
	sum := 0.0
	for i := range 2000 {
		sum += math.Abs(s.count(asnTable, pairKey(uint32(i%50)+1, uint32(i%2000))) - 10)
	}
	if mean := sum / 2000; mean > 2 {
		t.Errorf("ASNs are wrong by %.1f logins of 10 in the mean", mean)
	}
	// 20,000 prefixes in 8,192 cells: most of a cell is others'.
	sum = 0
	for i := range uint32(1000) {
		sum += s.count(prefixTable, pairKey(9_999_999, i))
	}
	if mean := sum / 1000; mean > 2 {
		t.Errorf("a prefix that nobody has seems to have %.1f logins in the mean", mean)
	}
}

// firstFormat is what the release before wrote: neither shown nor voices, one rate
// less, and devices that were bound to no browser.
func firstFormat(second []byte) []byte {
	rates := 16 + 4*freshKinds1
	first := append([]byte{1}, second[1:rates]...)
	return append(first, second[headerSize-hoursSize:]...)
}

func TestFirstFormatIsRead(t *testing.T) {
	t.Parallel()
	id := idHash(hashString("laptop", maxDevice) | 1)
	p := &profile{header: header{day: 20_000, minute: 28_800_000, logins: 60, asked: 59}}
	p.devices = []device{{hash: id.old(), day: 20_000, count: maxSeen}}
	blob := firstFormat(p.encode(nil))
	blob[len(blob)-3] = 255 // the count took the whole byte

	var v view
	require.NoError(t, v.open(blob))
	count, ok := v.device(id.bound(7), id.old(), 20_000)
	require.True(t, ok, "in whichever browser")
	require.EqualValues(t, maxSeen, count)

	var back profile
	back.decode(&v)
	require.InDelta(t, 59, back.shown, 0, "who could show a device did")
	back.bumpDevice(id.bound(7), id.old(), 20_001, true)
	require.NoError(t, v.open(back.encode(nil)))
	_, ok = v.device(id.bound(8), id.old(), 20_001)
	require.False(t, ok, "bound at its next login")
	_, ok = v.device(id.bound(7), id.old(), 20_001)
	require.True(t, ok)
}

func TestFirstSketchIsRead(t *testing.T) {
	t.Parallel()
	s := newSketch()
	for i := range 50 {
		l := &lesson{net: network{country: 5, asn: 7, prefix: uint32(i)}, hour: 9, later: true}
		l.fresh[freshAgent] = true
		s.learn(l)
	}
	b := s.encode(77)
	first := append([]byte{1}, b[1:3+4*(totalHours+1)]...)
	first = append(first, b[3+4*totalFresh:3+4*(totalFresh+freshKinds1)]...)
	first = append(first, b[3+4*countryTable.offset:3+4*sharersTable.offset]...)
	got, day, err := decodeSketch(first)
	require.NoError(t, err)
	require.EqualValues(t, 77, day)
	for _, total := range []uint32{totalNetworks, totalLater, totalHours, totalFresh + freshAgent} {
		require.InDelta(t, 50, got.total(total), 0, total)
	}
	require.InDelta(t, 50, got.count(countryTable, 5), 0)
	require.InDelta(t, s.hour(9), got.hour(9), 0)
	require.Zero(t, got.total(totalFresh+freshMissing))
}

// TestFullCellsAreHalved: a service whose addresses have no country counts hours,
// which must not wrap.
func TestFullCellsAreHalved(t *testing.T) {
	t.Parallel()
	s := newSketch()
	s.cells[totalHours].Store(math.MaxUint32 / 2)
	s.cells[hourTable.offset+9].Store(math.MaxUint32 / 2)
	d, err := New(NewMemory(0), [][]byte{[]byte("0123456789abcdef0123456789abcdef")}, Config{})
	require.NoError(t, err)
	ctx := t.Context()
	blob := d.seal(nil, s.encode(dayOf(d.cfg.Now())), "")
	require.NoError(t, d.store.Save(ctx, "", blob, 0))
	require.NoError(t, d.Merge(ctx))
	got := d.population.sketch()
	require.InDelta(t, math.MaxUint32/4, float64(got.cells[hourTable.offset+9].Load()), 2)
	require.InDelta(t, math.MaxUint32/4, float64(got.cells[totalHours].Load()), 2)
}

// TestCutsFollow: the cuts lie where the shares are reached, whatever the model
// says, and small classes go with the others.
func TestCutsFollow(t *testing.T) {
	t.Parallel()
	var p population
	p.init(DefaultModel())
	model := DefaultModel().WithDevice.Cuts
	require.InDeltaSlice(t, model[:], slices.Collect(cutsOf(&p, WithDevice)), 1e-9, "nobody has logged in")
	for i := range 6_000 { // one in ten above the model's first cut, where it says one in twenty
		odds := model[0] - 3
		if i%10 == 0 {
			odds = model[0] + float64(i%1000)/1000
		}
		p.learn(&lesson{class: WithDevice, odds: odds})
	}
	p.budget.refresh(p.sketch())
	got := slices.Collect(cutsOf(&p, WithDevice))
	require.InDelta(t, model[0]+.5, got[0], .15, "half of those above")
	require.Greater(t, got[1], got[0]+.2)
	require.InDelta(t, model[2]-model[1], got[2]-got[1], 1e-9)
	other := slices.Collect(cutsOf(&p, WithoutDevice))
	require.Greater(t, other[0], DefaultModel().WithoutDevice.Cuts[0]+.2, "a class without logins goes with the others")

	loses := DefaultModel().LosesDevice.Cuts
	for range 3_000 {
		p.learn(&lesson{class: LosesDevice, odds: loses[0] + 1})
	}
	p.budget.refresh(p.sketch())
	require.Greater(t, slices.Collect(cutsOf(&p, LosesDevice))[0], loses[0]+.9)
	require.Greater(t, slices.Collect(cutsOf(&p, WithoutDevice))[0], other[0]+.3, "who loses ids and who has none are one histogram")

	for range 60_000 { // attackers who were let in
		p.learn(&lesson{class: WithDevice, odds: model[0] + 9})
	}
	p.budget.refresh(p.sketch())
	require.InDelta(t, model[0]+maxRise, slices.Collect(cutsOf(&p, WithDevice))[0], 1e-9, "the rise is bounded")
}

func cutsOf(p *population, c Class) iter.Seq[float64] {
	cuts := p.budget.current.Load()[c].cuts(p.budget.models[c], .05, .02)
	return slices.Values(cuts[:])
}

func TestHistogramForgets(t *testing.T) {
	t.Parallel()
	s := newSketch()
	at := oddsTable.offset + int(WithDevice)*oddsBins
	s.cells[at].Store(uint32(2*oddsWindow*populationUnit) + 1)
	s.cells[at+oddsBins].Store(7 * populationUnit) // of another class
	s.shrink()
	require.EqualValues(t, oddsWindow*populationUnit, s.cells[at].Load())
	require.EqualValues(t, 7*populationUnit, s.cells[at+oddsBins].Load())
}
