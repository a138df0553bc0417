package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/auth0kit/auth0kit/migration"
)

// bars shows progress: bars on a terminal, a line every ten seconds elsewhere.
type bars struct {
	out    io.Writer
	quiet  bool
	last   time.Time
	all    *mpb.Progress
	users  *mpb.Bar
	places *mpb.Bar
	slots  [2]*mpb.Bar
	now    migration.Progress
}

func newBars(out io.Writer, quiet bool) *bars {
	b := &bars{out: out, quiet: quiet}
	f, ok := out.(*os.File)
	if !ok || quiet {
		return b
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return b
	}
	b.all = mpb.New(mpb.WithOutput(out), mpb.WithWidth(60))
	left := decor.Any(func(decor.Statistics) string { return " " + b.now.Left.Round(time.Second).String() + " left" })
	b.users = b.all.AddBar(0, mpb.PrependDecorators(decor.Name("users       ")), mpb.AppendDecorators(decor.CountersNoUnit(" %d of %d"), left))
	b.places = b.all.AddBar(0, mpb.PrependDecorators(decor.Name("memberships ")), mpb.AppendDecorators(decor.CountersNoUnit(" %d of %d")))
	for i := range b.slots {
		b.slots[i] = b.all.AddBar(1, mpb.PrependDecorators(decor.Name(fmt.Sprintf("job slot %d  ", i+1))))
	}
	return b
}

// show is called by the Runner, one call at a time.
func (b *bars) show(p migration.Progress) {
	b.now = p
	done := p.Sent + p.Skipped
	if b.all != nil {
		b.users.SetTotal(int64(max(p.Total, done, 1)), false)
		b.users.SetCurrent(int64(done))
		b.places.SetTotal(int64(max(p.MembershipsTotal, 1)), false)
		b.places.SetCurrent(int64(p.Memberships))
		for i, slot := range b.slots {
			slot.SetCurrent(0)
			if i < p.Jobs {
				slot.SetTotal(2, false)
				slot.SetCurrent(1)
			}
		}
		return
	}
	if b.quiet || time.Since(b.last) < 10*time.Second {
		return
	}
	b.last = time.Now()
	fmt.Fprintf(b.out, "%d of %d users, %d jobs, %d of %d memberships, %s left\n",
		done, p.Total, p.Jobs, p.Memberships, p.MembershipsTotal, p.Left.Round(time.Second))
}

// close takes the bars away, once.
func (b *bars) close() {
	if b.all == nil {
		return
	}
	for _, bar := range append([]*mpb.Bar{b.users, b.places}, b.slots[:]...) {
		bar.Abort(false)
	}
	b.all.Wait()
	b.all = nil
}
