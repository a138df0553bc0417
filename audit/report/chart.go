package report

import (
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// Sizes of the charts in SVG units, which are pixels on a wide screen.
const (
	chartWidth  = 880
	chartHeight = 220
	plotLeft    = 56
	plotTop     = 14
	plotBottom  = 190
	plotRight   = 872
)

// dayChart has a bar for each day, or for each week of a longer period, of what
// succeeded with what failed and what is unknown on top.
type dayChart struct {
	Unit          string // "day" or "week"
	Width, Height int
	Bottom, Right int
	Bars          []bar
	Marks         []mark // Of both axes.
	Most          int
}

type bar struct {
	X, Width                 float64
	Good, Bad, Open          span
	Label                    string
	Succeeded, Failed, Other int
}

type span struct{ Y, Height float64 }

type mark struct {
	X, Y float64
	Text string
	Axis string // "x" or "y"
}

const maxDays = 62 // Bars; more days are drawn by week.

func newDayChart(r *auditlog.Report) *dayChart {
	c := &dayChart{Unit: "day", Width: chartWidth, Height: chartHeight, Bottom: plotBottom, Right: plotRight}
	const day = 24 * time.Hour
	from := r.From.UTC().Truncate(day)
	days := int((r.To.Sub(from) + day - 1) / day)
	step := 1
	if days > maxDays {
		c.Unit, step = "week", 7
	}
	n := (days + step - 1) / step
	if n < 1 || n > 1000 {
		return nil // decades: no chart says anything
	}
	tallies := make([]auditlog.Tally, n)
	for _, d := range r.Days {
		at, err := time.Parse("2006-01-02", d.Date)
		if i := int(at.Sub(from)/day) / step; err == nil && i >= 0 && i < n {
			t := &tallies[i]
			t.Total += d.Attempts.Total
			t.Succeeded += d.Attempts.Succeeded
			t.Failed += d.Attempts.Failed
			t.Unknown += d.Attempts.Unknown
		}
	}
	for _, t := range tallies {
		c.Most = max(c.Most, t.Total)
	}
	if c.Most == 0 {
		return nil
	}
	c.draw(from, step, tallies)
	return c
}

func (c *dayChart) draw(from time.Time, step int, tallies []auditlog.Tally) {
	top := niceAbove(c.Most)
	slot := float64(plotRight-plotLeft) / float64(len(tallies))
	high := func(n int) float64 { return float64(n) / float64(top) * (plotBottom - plotTop) }
	every := (len(tallies) + 9) / 10
	for i, t := range tallies {
		date := from.AddDate(0, 0, i*step)
		b := bar{
			X: plotLeft + (float64(i)+0.1)*slot, Width: 0.8 * slot, Label: date.Format("2006-01-02"),
			Succeeded: t.Succeeded, Failed: t.Failed, Other: t.Unknown,
		}
		b.Good = span{plotBottom - high(t.Succeeded), high(t.Succeeded)}
		b.Bad = span{b.Good.Y - high(t.Failed), high(t.Failed)}
		b.Open = span{b.Bad.Y - high(t.Unknown), high(t.Unknown)}
		c.Bars = append(c.Bars, b)
		if i%every == 0 {
			c.Marks = append(c.Marks, mark{X: b.X + b.Width/2, Y: plotBottom + 18, Text: date.Format("2 Jan"), Axis: "x"})
		}
	}
	for _, n := range []int{0, top / 2, top} {
		c.Marks = append(c.Marks, mark{X: plotLeft - 8, Y: plotBottom - high(n), Text: number(n), Axis: "y"})
	}
}

// niceAbove returns an even round number that is not less than n.
func niceAbove(n int) int {
	for unit := 1; ; unit *= 10 {
		for _, m := range []int{2, 4, 6, 8, 10} {
			if m*unit >= n {
				return m * unit
			}
		}
	}
}

// number writes thousands apart.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// rankBar is one line of a chart of reasons.
type rankBar struct {
	Name    string
	N       int
	Y       int
	Width   float64
	Percent string
}

type rankChart struct {
	Width, Height int
	Bars          []rankBar
}

const rankLeft = 240

func newRankChart(counts []auditlog.Count, total int) *rankChart {
	counts = counts[:min(10, len(counts))]
	if len(counts) == 0 || total == 0 {
		return nil
	}
	c := &rankChart{Width: chartWidth, Height: 28*len(counts) + 8}
	for i, n := range counts {
		c.Bars = append(c.Bars, rankBar{
			Name: reason(n.Name), N: n.N, Y: 28*i + 4, Percent: percent(n.N, total),
			Width: float64(n.N) / float64(counts[0].N) * (chartWidth - rankLeft - 130),
		})
	}
	return c
}

func percent(n, of int) string { return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(of)) }

func reason(name string) string {
	if name == "" {
		return "no reason given"
	}
	return name
}
