package calibrate

import (
	"cmp"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Quality holds what a model does on logins on which it was not fitted. Shares are
// from 0 to 1.
type Quality struct {
	Model   string
	Logins  int // The users' own.
	First   int // Of these, without a history.
	Classes []ClassQuality
	Days    []Day
	Reasons []Reason
	Kinds   []KindQuality
}

// ClassQuality holds the genuine logins of one class.
type ClassQuality struct {
	Name          string
	Logins        int
	Prompted, MFA float64 // The share at or above the first cut, and the second.
	Cuts          [3]float64
	From, Width   float64 // Where the histogram begins, and how wide a bar is, in log-odds.
	Bars          []int
}

// Day holds the genuine logins of a day in UTC.
type Day struct {
	Date       time.Time
	Logins     int
	Challenged int
}

// Reason holds how often a number of evidence weighed most in genuine logins that
// were challenged.
type Reason struct {
	Evidence string
	Share    float64
}

// KindQuality holds what became of one kind of attackers.
type KindQuality struct {
	Kind          string
	Logins        int
	Prompted, MFA float64 // The share at or above the first cut of its class, and the second.
}

var classNames = map[anomaly.Class]string{
	anomaly.WithDevice: "users who show a device id", anomaly.WithoutDevice: "users who do not", anomaly.FirstLogin: "first logins",
	anomaly.LosesDevice: "users whose browser keeps no device id",
}

const (
	barFrom, barWidth = -12.0, 0.5
	barCount          = 40
)

// Measure returns what m does with samples of Collect.
func Measure(m *anomaly.Model, samples []Sample) Quality {
	c := counts{days: map[time.Time]*Day{}, reasons: map[string]int{}, kinds: map[string]*KindQuality{}, classes: map[anomaly.Class]*ClassQuality{}}
	for _, class := range classes {
		c.classes[class] = &ClassQuality{Name: classNames[class], Cuts: m.Weights(class).Cuts, From: barFrom, Width: barWidth, Bars: make([]int, barCount)}
	}
	for i := range samples {
		c.add(m.Weights(samples[i].Class), &samples[i])
	}
	return c.quality(m.Name)
}

// counts are what Measure has seen so far.
type counts struct {
	days               map[time.Time]*Day
	reasons            map[string]int
	kinds              map[string]*KindQuality
	classes            map[anomaly.Class]*ClassQuality
	logins, challenged int
}

func (c *counts) add(w *anomaly.Weights, s *Sample) {
	odds := w.LogOdds(&s.Evidence)
	prompted, mfa := odds >= w.Cuts[0], odds >= w.Cuts[1]
	if s.Attack != "" {
		k := c.kinds[s.Attack]
		if k == nil {
			k = &KindQuality{Kind: s.Attack}
			c.kinds[s.Attack] = k
		}
		k.add(prompted, mfa)
		return
	}
	c.logins++
	c.classes[s.Class].add(odds, prompted, mfa)
	date := s.At.UTC().Truncate(24 * time.Hour)
	if c.days[date] == nil {
		c.days[date] = &Day{Date: date}
	}
	c.days[date].Logins++
	if prompted {
		c.challenged++
		c.days[date].Challenged++
		c.reasons[heaviest(w, &s.Evidence)]++
	}
}

// quality is the shares of what was counted, in order.
func (c *counts) quality(model string) Quality {
	q := Quality{Model: model, Logins: c.logins, First: c.classes[anomaly.FirstLogin].Logins}
	for _, class := range classes {
		if p := c.classes[class]; p.Logins > 0 {
			p.Prompted, p.MFA = p.Prompted/float64(p.Logins), p.MFA/float64(p.Logins)
			q.Classes = append(q.Classes, *p)
		}
	}
	for _, d := range c.days {
		q.Days = append(q.Days, *d)
	}
	slices.SortFunc(q.Days, func(a, b Day) int { return a.Date.Compare(b.Date) })
	for name, n := range c.reasons {
		q.Reasons = append(q.Reasons, Reason{name, float64(n) / float64(c.challenged)})
	}
	slices.SortFunc(q.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Evidence, b.Evidence))
	})
	for _, k := range c.kinds {
		k.Prompted, k.MFA = k.Prompted/float64(k.Logins), k.MFA/float64(k.Logins)
		q.Kinds = append(q.Kinds, *k)
	}
	slices.SortFunc(q.Kinds, func(a, b KindQuality) int { return cmp.Compare(a.Kind, b.Kind) })
	return q
}

func (c *ClassQuality) add(odds float64, prompted, mfa bool) {
	c.Logins++
	if prompted {
		c.Prompted++
	}
	if mfa {
		c.MFA++
	}
	c.Bars[int(max(0, min(barCount-1, (odds-barFrom)/barWidth)))]++
}

func (k *KindQuality) add(prompted, mfa bool) {
	k.Logins++
	if prompted {
		k.Prompted++
	}
	if mfa {
		k.MFA++
	}
}

// heaviest is the evidence that weighs most against a login.
func heaviest(w *anomaly.Weights, e *anomaly.Evidence) string {
	most, name := 0.0, "none"
	for i, n := range anomaly.EvidenceNames() {
		if v := w.By[n] * e[i]; v > most {
			most, name = v, n
		}
	}
	return name
}
