package main

import (
	"fmt"
	"math"
	"strings"
)

// Plots are SVG by hand: a few lines and labels need no library.

const (
	panelW, panelH = 380.0, 260.0
	marginX        = 54.0
	marginY        = 40.0
)

// colors are apart for people who see few colors, too; the last is ours.
var colors = []string{"#999999", "#cc79a7", "#e69f00", "#56b4e9", "#009e73", "#000000"}

type canvas struct {
	strings.Builder
	x, y float64 // of the current panel
}

func (c *canvas) line(from, to [2]float64, color string, width float64) {
	fmt.Fprintf(c, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%.1f"/>`+"\n",
		c.x+from[0], c.y+from[1], c.x+to[0], c.y+to[1], color, width)
}

func (c *canvas) text(at [2]float64, anchor string, size int, s string) {
	fmt.Fprintf(c, `<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d">%s</text>`+"\n", c.x+at[0], c.y+at[1], anchor, size, s)
}

func (c *canvas) path(points [][2]float64, color string) {
	fmt.Fprintf(c, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, color)
	for _, p := range points {
		fmt.Fprintf(c, "%.1f,%.1f ", c.x+p[0], c.y+p[1])
	}
	c.WriteString("\"/>\n")
}

// document wraps what draw draws.
func document(width, height float64, draw func(*canvas)) string {
	c := &canvas{}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif">`+"\n", width, height)
	fmt.Fprintf(c, `<rect width="%.0f" height="%.0f" fill="white"/>`+"\n", width, height)
	draw(c)
	c.WriteString("</svg>\n")
	return c.String()
}

// percentY places a share on a logarithmic axis from 0.1% to 100%.
func percentY(share float64) float64 {
	return marginY + (panelH-2*marginY)*(1-(math.Log10(math.Max(share, .001))+3)/3)
}

func (c *canvas) axes(width float64, title string) {
	for _, p := range []float64{.001, .01, .1, 1} {
		y := percentY(p)
		c.line([2]float64{marginX, y}, [2]float64{width - 10, y}, "#dddddd", 1)
		c.text([2]float64{marginX - 6, y + 4}, "end", 11, fmt.Sprintf("%g%%", 100*p))
	}
	c.text([2]float64{marginX, marginY - 14}, "start", 13, title)
}

func (c *canvas) legend(schemes []scheme) {
	for i, s := range schemes {
		at := [2]float64{float64(i%3) * 255, float64(i/3) * 18}
		c.line(at, [2]float64{at[0] + 20, at[1]}, colors[i], 3)
		c.text([2]float64{at[0] + 26, at[1] + 4}, "start", 12, s.name)
	}
}

// plot is re-authentication of genuine logins against attackers stopped.
func (e *results) plot() string {
	const from, to = .80, .999
	// The axis stretches towards 100%: equal steps for each halving of what is missed.
	x := func(share float64) float64 {
		return marginX + (panelW-marginX-10)*math.Log((1-from)/(1-share))/math.Log((1-from)/(1-to))
	}
	return document(2*panelW+20, 2*panelH+80, func(c *canvas) {
		for k := naive; k <= veryTargeted; k++ {
			c.x, c.y = float64((k-1)%2)*panelW, float64((k-1)/2)*panelH
			c.axes(panelW, strings.ReplaceAll(k.String(), "_", " ")+": genuine logins challenged")
			c.text([2]float64{panelW - 10, panelH - 8}, "end", 11, "attackers stopped")
			for _, share := range []float64{.8, .9, .95, .98, .99, .999} {
				c.text([2]float64{x(share), panelH - marginY + 16}, "middle", 11, fmt.Sprintf("%g%%", 100*share))
			}
			for i := range e.schemes {
				var points [][2]float64
				for share := from; share <= to; share = 1 - (1-share)*.94 {
					points = append(points, [2]float64{x(share), percentY(reauth(e.held[i], k, share))})
				}
				c.path(points, colors[i])
			}
		}
		c.x, c.y = 20, 2*panelH+20
		c.legend(e.schemes)
		c.text([2]float64{0, 48}, "start", 11, e.title)
	})
}

// plotHistory is re-authentication by length of history, at 98% of targeted
// attackers.
func (e *results) plotHistory() string {
	x := func(i int) float64 { return marginX + 30 + float64(i)*(2*panelW-marginX-60)/float64(len(buckets)-1) }
	return document(2*panelW+20, panelH+80, func(c *canvas) {
		c.axes(2*panelW, "genuine logins challenged at 98% of targeted attackers, by earlier logins")
		for i, b := range buckets {
			c.text([2]float64{x(i), panelH - marginY + 16}, "middle", 11, b.name)
		}
		for s := range e.schemes {
			var points [][2]float64
			for i := range buckets {
				points = append(points, [2]float64{x(i), percentY(mean(e.held[s], func(m *measured) float64 { return m.byHistory(m.threshold(targeted, .98))[i] }))})
			}
			c.path(points, colors[s])
		}
		c.x, c.y = 20, panelH+20
		c.legend(e.schemes)
		c.text([2]float64{0, 48}, "start", 11, e.title)
	})
}
