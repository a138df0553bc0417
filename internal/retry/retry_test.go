package retry

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPause(t *testing.T) {
	t.Parallel()
	b := Backoff{First: time.Second, Last: 5 * time.Minute}
	for n, full := range map[int]time.Duration{
		-1: time.Second, 0: time.Second, 1: time.Second, 2: 2 * time.Second, 9: 256 * time.Second, 10: b.Last, 11: b.Last, 1 << 40: b.Last,
	} {
		low, high := b.Last, time.Duration(0)
		for range 1000 {
			d := b.Pause(n)
			low, high = min(low, d), max(high, d)
		}
		assert.True(t, full/2 <= low && low < high && high <= full, "after failure %d: from %s to %s, want a half to all of %s", n, low, high, full)
	}
	huge := Backoff{First: 1 << 61, Last: 1<<63 - 1}
	assert.Positive(t, huge.Pause(4))
}

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		require.NoError(t, Sleep(t.Context(), time.Minute))
		require.Equal(t, time.Minute, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, Sleep(ctx, 0))
		require.NoError(t, Sleep(ctx, -time.Second))
		require.ErrorIs(t, Sleep(ctx, time.Hour), context.DeadlineExceeded)
		require.Equal(t, time.Minute+time.Second, time.Since(start))
		require.ErrorIs(t, Sleep(ctx, 0), context.DeadlineExceeded)
	})
}

func TestAfter(t *testing.T) {
	t.Parallel()
	const limit = 2 * time.Minute
	now := time.Now().UTC().Truncate(time.Second)
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	server := now.Add(-3 * time.Hour).Format(http.TimeFormat)
	for _, tc := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"7", "", 7 * time.Second},
		{"007", "", 7 * time.Second},
		{"120", "", limit},
		{"121", "", limit},
		{"86400", "", limit},
		{"99999999999", "", limit},
		{"18446744074", "", limit}, // times 1e9 is 0.29 s in 64 bits.
		{"18446744073709551616", "", limit},
		{strings.Repeat("9", 1000), "", limit},
		{"-3", "", 0}, {"+3", "", 0}, {"1.5", "", 0}, {"0x10", "", 0}, {"1_0", "", 0}, {"soon", "", 0}, {"7 ", "", 0},
		{in(time.Minute), "", time.Minute},
		{in(24 * time.Hour), "", limit},
		{in(-time.Minute), "", 0},
		{in(-3*time.Hour + 5*time.Second), server, 5 * time.Second}, // Their clock counts.
		{in(5 * time.Second), server, limit},
		{in(5 * time.Second), "yesterday", 5 * time.Second},
		{"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", limit},
	} {
		header := http.Header{"Retry-After": {tc.value}, "Date": {tc.date}}
		assert.Equal(t, tc.want, After(header, now, limit), "%q, Date %q", tc.value, tc.date)
	}
	assert.Zero(t, After(http.Header{}, now, limit))
	assert.Equal(t, 1500*time.Millisecond, After(http.Header{"Retry-After": {"2"}}, now, 1500*time.Millisecond))
}

func FuzzAfter(f *testing.F) {
	f.Add("7", "")
	f.Add("18446744074", "Fri, 31 Dec 9999 23:59:59 GMT")
	f.Add("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, value, date string) {
		got := After(http.Header{"Retry-After": {value}, "Date": {date}}, time.Now(), time.Minute)
		if got < 0 || got > time.Minute {
			t.Fatal(got)
		}
	})
}
