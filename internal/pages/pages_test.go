package pages_test

import (
	"math"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/pages"
)

var colors = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{3,6})\b`)

// Text has a contrast of 4.5:1 and controls of 3:1 in both schemes (WCAG 2.2 1.4.3
// and 1.4.11).
func TestContrast(t *testing.T) {
	t.Parallel()
	assert.Less(t, len(pages.CSS), 8<<10)
	var schemes [2]map[string]float64
	for _, m := range colors.FindAllStringSubmatch(pages.CSS, -1) {
		i := 0
		if _, there := schemes[0][m[1]]; there {
			i = 1
		}
		if schemes[i] == nil {
			schemes[i] = make(map[string]float64)
		}
		schemes[i][m[1]] = luminance(t, m[2])
	}
	for i, s := range schemes {
		require.Len(t, s, 10)
		for _, c := range []struct {
			one, other string
			least      float64
		}{
			{"text", "surface", 4.5}, {"text", "background", 4.5}, {"muted", "surface", 4.5}, {"accent", "surface", 4.5},
			{"on-accent", "accent", 4.5}, {"danger", "surface", 4.5}, {"success", "surface", 4.5}, {"border", "surface", 3},
		} {
			light, dark := max(s[c.one], s[c.other]), min(s[c.one], s[c.other])
			assert.GreaterOrEqual(t, (light+.05)/(dark+.05), c.least, "scheme %d: %s on %s", i, c.one, c.other)
		}
	}
}

func luminance(t *testing.T, hex string) (l float64) {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		v := float64(n) / 255
		if v <= .04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+.055)/1.055, 2.4)
		}
		l += weight * v
	}
	return l
}
