package calibrate

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"github.com/auth0kit/auth0kit/internal/pages"
)

//go:embed report.html
var reportText string

var report = template.Must(template.New("report").Funcs(template.FuncMap{
	"percent":   func(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) },
	"histogram": histogram,
	"days":      dayChart,
	"css":       func() template.CSS { return template.CSS(pages.CSS) }, //nolint:gosec // our own stylesheet
}).Parse(reportText))

// WriteHTML writes a page for people who decide: how many genuine logins are
// challenged and why, where the cuts lie, and what becomes of attackers. It holds
// no user, address or device.
func (q Quality) WriteHTML(w io.Writer) error {
	if err := report.Execute(w, q); err != nil {
		return fmt.Errorf("calibrate: write report: %w", err)
	}
	return nil
}

const (
	chartW, chartH = 640.0, 220.0
	chartX, chartY = 72.0, 20.0
	baseline       = chartH - 40
)

type chart struct{ strings.Builder }

func newChart(title, description string) *chart {
	c := &chart{}
	fmt.Fprintf(c, `<svg viewBox="0 0 %g %g" role="img"><title>%s</title><desc>%s</desc>`,
		chartW, chartH, template.HTMLEscapeString(title), template.HTMLEscapeString(description))
	return c
}

func (c *chart) text(x, y float64, anchor, s string) {
	fmt.Fprintf(c, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, template.HTMLEscapeString(s))
}

func (c *chart) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(c, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x1, y1, x2, y2)
}

func (c *chart) html() template.HTML {
	c.WriteString("</svg>")
	return template.HTML(c.String()) //nolint:gosec // numbers, and texts that were escaped
}

// histogram has a square-root axis, so that the few logins above the cuts are
// seen.
func histogram(q ClassQuality) template.HTML {
	c := newChart("Genuine logins by log-odds: "+q.Name,
		fmt.Sprintf("%d logins; the cuts lie at %.1f, %.1f and %.1f.", q.Logins, q.Cuts[0], q.Cuts[1], q.Cuts[2]))
	most := 1
	for _, n := range q.Bars {
		most = max(most, n)
	}
	width := (chartW - chartX - 8) / float64(len(q.Bars))
	x := func(odds float64) float64 { return chartX + (odds-q.From)/q.Width*width }
	for i, n := range q.Bars {
		h := (baseline - chartY - 16) * math.Sqrt(float64(n)/float64(most))
		fmt.Fprintf(c, `<rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, chartX+float64(i)*width, baseline-h, width-1, h)
	}
	c.line("axis", chartX, baseline, chartW-8, baseline)
	for odds := math.Ceil(q.From/4) * 4; odds <= q.From+q.Width*float64(len(q.Bars)); odds += 4 {
		c.text(x(odds), baseline+18, "middle", fmt.Sprintf("%g", odds))
	}
	c.text(chartW-8, baseline+36, "end", "log-odds that this is not the user")
	c.text(chartX-6, chartY+20, "end", fmt.Sprint(most))
	c.text(chartX-6, baseline, "end", "0")
	for i, name := range []string{"prompt", "MFA", "deny"} {
		if at := x(q.Cuts[i]); at < chartW {
			c.line("cut", at, chartY+float64(i)*14, at, baseline)
			c.text(at+4, chartY+float64(i)*14+8, "start", name)
		}
	}
	return c.html()
}

// dayChart is the share challenged by day.
func dayChart(days []Day) template.HTML {
	c := newChart("Genuine logins challenged by day", fmt.Sprintf("%d days; the numbers are in the table below.", len(days)))
	most := 0.1
	for _, d := range days {
		most = max(most, d.Share())
	}
	x := func(i int) float64 { return chartX + (chartW-chartX-24)*float64(i)/float64(max(1, len(days)-1)) }
	y := func(share float64) float64 { return baseline - (baseline-chartY)*share/most }
	for _, share := range []float64{0, most / 2, most} {
		c.line("grid", chartX, y(share), chartW-8, y(share))
		c.text(chartX-6, y(share)+4, "end", fmt.Sprintf("%.0f%%", 100*share))
	}
	var points []string
	for i, d := range days {
		points = append(points, fmt.Sprintf("%.1f,%.1f", x(i), y(d.Share())))
	}
	fmt.Fprintf(c, `<polyline class="days" points="%s"/>`, strings.Join(points, " "))
	if n := len(days); n > 0 {
		c.text(x(0), baseline+18, "start", days[0].Date.Format("2 Jan 2006"))
		c.text(x(n-1), baseline+18, "end", days[n-1].Date.Format("2 Jan 2006"))
	}
	return c.html()
}

// Share returns the share of the day's logins, 0 to 1, that were challenged.
func (d Day) Share() float64 {
	if d.Logins == 0 {
		return 0
	}
	return float64(d.Challenged) / float64(d.Logins)
}
