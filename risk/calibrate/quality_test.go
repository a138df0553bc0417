package calibrate_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk/calibrate"
)

// service has the genuine logins of so many people, each from a network of their
// own, now and then with a new device.
func service(people, days int) iter.Seq2[calibrate.Labelled, error] {
	return func(yield func(calibrate.Labelled, error) bool) {
		r := rand.New(rand.NewPCG(5, 6))
		start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
		for day := range days {
			for p := range people {
				device := fmt.Sprint("device of ", p)
				if r.Float64() < .05 {
					device = fmt.Sprint("new ", day, p)
				}
				l := calibrate.Labelled{Attempt: anomaly.Attempt{
					UserID: fmt.Sprint("auth0|", p), Time: start.Add(time.Duration(day*24*60+p) * time.Minute), DeviceID: device,
					IP: netip.AddrFrom4([4]byte{81, 2, byte(p), 7}), Place: &anomaly.Place{Country: "NO", ASN: uint32(p%7 + 1)},
				}}
				if !yield(l, nil) {
					return
				}
			}
		}
	}
}

// TestWithOthers: a service without one known attack measures what another user
// would meet.
func TestWithOthers(t *testing.T) {
	t.Parallel()
	kinds := map[string]int{}
	genuine, first := 0, map[string]bool{}
	var last calibrate.Labelled
	for l, err := range calibrate.WithOthers(service(40, 5)) {
		require.NoError(t, err)
		if l.Attack == "" {
			genuine++
			last = l
			continue
		}
		kinds[l.Attack]++
		require.Equal(t, last.Attempt.UserID, l.Attempt.UserID)
		require.Equal(t, last.Attempt.Time, l.Attempt.Time)
		if l.Attack != calibrate.Blind {
			require.NotEqual(t, last.Attempt.IP, l.Attempt.IP, "the network is another user's")
		}
		first[l.Attempt.UserID] = true
	}
	assert.Equal(t, 200, genuine)
	for _, kind := range []string{calibrate.Stranger, calibrate.Compatriot, calibrate.NoID, calibrate.Blind} {
		assert.Equal(t, 160, kinds[kind], "%s: one for each login of a user with a history", kind)
	}
	assert.Zero(t, kinds[calibrate.CookieThief], "nobody has another agent")
	broken := func(yield func(calibrate.Labelled, error) bool) { yield(calibrate.Labelled{}, errors.New("cut off")) }
	_, err := collect(t, calibrate.WithOthers(broken))
	require.Error(t, err)
}

// TestCutsOfGenuineLogins: nobody has labelled attacks, nor a million logins.
func TestCutsOfGenuineLogins(t *testing.T) {
	t.Parallel()
	samples, err := collect(t, service(100, 80))
	require.NoError(t, err)
	m := anomaly.DefaultModel()
	before := *m
	require.NoError(t, calibrate.SetCuts(m, samples[:5_000], calibrate.Budget{}))
	cuts := m.WithDevice.Cuts
	assert.NotEqual(t, before.WithDevice.Cuts, cuts)
	assert.InDelta(t, before.WithDevice.Cuts[2]-before.WithDevice.Cuts[1], cuts[2]-cuts[1], 1e-3, "the last cut keeps its distance")
	assert.Equal(t, before.WithoutDevice.Cuts, m.WithoutDevice.Cuts, "nobody was in this class")
	require.ErrorIs(t, calibrate.SetCuts(m, samples[:90], calibrate.Budget{}), calibrate.ErrSamples)

	q := calibrate.Measure(m, samples[5_000:])
	require.Len(t, q.Classes, 1)
	assert.Equal(t, 3_000, q.Logins)
	assert.InDelta(t, .05, q.Classes[0].Prompted, .02)
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	samples, err := collect(t, calibrate.WithOthers(service(30, 30)))
	require.NoError(t, err)
	m := anomaly.DefaultModel()
	require.NoError(t, calibrate.SetCuts(m, samples, calibrate.Budget{}))
	q := calibrate.Measure(m, samples)
	assert.Equal(t, 900, q.Logins)
	assert.Equal(t, 30, q.First)
	assert.Len(t, q.Days, 30)
	logins, bars, reasons := 0, 0, 0.0
	for _, d := range q.Days {
		logins += d.Logins
		assert.LessOrEqual(t, d.Share(), 1.0)
	}
	for _, c := range q.Classes {
		for _, n := range c.Bars {
			bars += n
		}
		assert.LessOrEqual(t, c.MFA, c.Prompted)
	}
	for _, r := range q.Reasons {
		reasons += r.Share
	}
	assert.Equal(t, 900, logins)
	assert.Equal(t, 900, bars, "every login is in one bar")
	assert.InDelta(t, 1, reasons, 1e-9)
	for _, k := range q.Kinds {
		assert.Greater(t, k.Prompted, q.Classes[0].Prompted, "%s: attackers are stopped more often", k.Kind)
	}
}

func TestReportShowsNobody(t *testing.T) {
	t.Parallel()
	samples, err := collect(t, calibrate.WithOthers(service(30, 30)))
	require.NoError(t, err)
	m := anomaly.DefaultModel()
	m.Name = "<script>alert(1)</script>"
	var page bytes.Buffer
	require.NoError(t, calibrate.Measure(m, samples).WriteHTML(&page))
	html := page.String()
	for _, secret := range []string{"auth0|", "81.2.", "device of", "<script"} {
		assert.NotContains(t, html, secret)
	}
	for _, want := range []string{"<title>Login risk: calibration</title>", "prompt", "another user", "2 Mar 2026", "viewBox"} {
		assert.Contains(t, html, want)
	}
	assert.Equal(t, strings.Count(html, "<svg"), strings.Count(html, "</svg>"))
	require.NoError(t, calibrate.Measure(m, nil).WriteHTML(&page), "an empty log")
	require.Error(t, calibrate.Measure(m, samples).WriteHTML(failing{}))
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }
