package browser

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"

	"github.com/auth0kit/auth0kit/internal/testing/node"
)

// Inspect holds what the page shows to what every page has: it fits a phone, a tablet
// and a desktop, and at 200% zoom, which leaves half of the width; axe-core finds
// nothing in both schemes. AUTH0KIT_PICTURES names a folder that keeps the pictures,
// under this name.
func (p *Page) Inspect(name string) {
	p.t.Helper()
	axe, err := os.ReadFile(filepath.Join(node.Modules(p.t), "axe-core", "axe.min.js"))
	p.ok(err)
	for _, width := range []int64{768 / 2, 1280 / 2, 768} {
		p.keep(name, width, "light")
		p.fits(name, width)
	}
	for _, width := range []int64{360, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			p.keep(name, width, scheme)
			p.Screenshot(width, 800, scheme)
			p.fits(name, width)
			p.ok(chromedp.Do(p, chromedp.Evaluate[chromedp.Void](string(axe))))
			found, err := chromedp.Run(p, chromedp.Evaluate[[]string](
				`axe.run().then(r => r.violations.map(v => v.id + ": " + v.nodes[0].html + " " + v.nodes[0].failureSummary))`, chromedp.EvalAwaitPromise))
			p.ok(err)
			for _, violation := range found {
				p.t.Errorf("axe: %s at %d, %s: %s", name, width, scheme, violation)
			}
		}
	}
	p.Screenshot(1280, 800, "light")
}

func (p *Page) fits(name string, width int64) {
	p.t.Helper()
	over, err := chromedp.Run(p, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
	p.ok(err)
	if over > 0 {
		p.t.Errorf("%s scrolls sideways by %d at %d", name, over, width)
	}
}

func (p *Page) keep(name string, width int64, scheme string) {
	p.t.Helper()
	picture := p.Screenshot(width, 0, scheme)
	if dir := os.Getenv("AUTH0KIT_PICTURES"); dir != "" {
		p.ok(os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), picture, 0o600))
	}
}
