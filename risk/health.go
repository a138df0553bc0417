package risk

import (
	"fmt"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Health holds what an Engine could see of the logins of the last hour in this
// process. All but Logins are shares of Logins, 0 to 1.
type Health struct {
	Logins                       int
	NoAddress, NoPlace, NoDevice float64 // Without a usable address, a country, a device id.
	Missing, Challenged, Denied  float64 // Where a factor or the address was missing; that needed a challenge; that were denied.
}

// Problems returns what should be looked at, as sentences; none up to 20 logins.
func (h Health) Problems() []string {
	if h.Logins < 20 {
		return nil
	}
	var out []string
	for _, p := range []struct {
		share, from float64
		text        string
	}{
		{h.NoAddress, 0.1, "had no usable client address, which meets Config.OnMissing. Behind a proxy, read it with riskhttp.Behind"},
		{h.NoPlace, 0.2, "had no country, so travel is not seen. Give anomaly.Config.Geo files for IPv4 and IPv6"},
		{h.NoDevice, 0.6, "had no device id, the strongest evidence. Set a cookie of your own, as riskhttp does"},
		{h.Missing - h.NoAddress, 0.05, "missed a factor. Look at the stores and at Config.Timeout"},
		{h.Challenged + h.Denied, 0.2, "needed a challenge or were denied: an attack, or bands that do not fit"},
	} {
		if p.share >= p.from {
			out = append(out, fmt.Sprintf("%.0f%% of the logins of the last hour %s.", 100*p.share, p.text))
		}
	}
	return out
}

// health counts by minute.
type health struct {
	mu      sync.Mutex
	minutes [60]tallied
}

type tallied struct {
	minute                                                            int64
	logins, noAddress, noPlace, noDevice, missing, challenged, denied int
}

func (h *health) add(now time.Time, l Login, a anomaly.Assessment, d *Decision) {
	minute := now.Unix() / 60
	h.mu.Lock()
	defer h.mu.Unlock()
	m := &h.minutes[minute%60]
	if m.minute != minute {
		*m = tallied{minute: minute}
	}
	m.logins++
	for _, c := range []struct {
		n  *int
		is bool
	}{
		{&m.noAddress, a.NoAddress}, {&m.noPlace, a.NoPlace}, {&m.noDevice, l.DeviceID == ""}, {&m.missing, len(d.Missing) > 0},
		{&m.challenged, d.Action == PromptVerification || d.Action == MFARequired}, {&m.denied, d.Action.rank() == Deny.rank()},
	} {
		if c.is {
			*c.n++
		}
	}
}

func (h *health) read(now time.Time) Health {
	minute := now.Unix() / 60
	h.mu.Lock()
	defer h.mu.Unlock()
	var sum tallied
	for _, m := range h.minutes {
		if m.minute <= minute-60 || m.minute > minute {
			continue
		}
		sum.logins += m.logins
		sum.noAddress, sum.noPlace, sum.noDevice = sum.noAddress+m.noAddress, sum.noPlace+m.noPlace, sum.noDevice+m.noDevice
		sum.missing, sum.challenged, sum.denied = sum.missing+m.missing, sum.challenged+m.challenged, sum.denied+m.denied
	}
	of := func(n int) float64 { return float64(n) / float64(max(1, sum.logins)) }
	return Health{
		Logins: sum.logins, NoAddress: of(sum.noAddress), NoPlace: of(sum.noPlace), NoDevice: of(sum.noDevice),
		Missing: of(sum.missing), Challenged: of(sum.challenged), Denied: of(sum.denied),
	}
}
