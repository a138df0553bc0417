package anomaly

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const sweepEvery = time.Hour

// population is this process's view of everyone: what was merged last, and what
// it saw since.
type population struct {
	view atomic.Pointer[sketch]
	mu   sync.RWMutex // Learn reads, a merge writes
	own  *sketch      // since the last merge
	seen bool         // there was a merge

	budget budget
}

func (p *population) init(m *Model) {
	p.view.Store(newSketch())
	for c := range classCount {
		p.budget.models[c] = m.Weights(c).Cuts
	}
	p.budget.refresh(p.view.Load())
	p.own = newSketch()
}

func (p *population) sketch() *sketch { return p.view.Load() }

func (p *population) learn(l *lesson) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	p.view.Load().learn(l)
	p.own.learn(l)
	p.budget.learn(p.view.Load(), l.class, l.odds)
	p.budget.learn(p.own, l.class, l.odds)
	p.budget.count(p.view.Load())
}

// take returns what this process saw since the last merge, and starts over.
func (p *population) take() *sketch {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.own
	p.own = newSketch()
	return taken
}

// known is the view without own, if there was a merge: what the store had last, and
// what was taken since.
func (p *population) known() *sketch {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.seen {
		return nil
	}
	out, view := newSketch(), p.view.Load()
	for i := range out.cells {
		out.cells[i].Store(view.cells[i].Load() - p.own.cells[i].Load())
	}
	return out
}

// put gives back what could not be merged.
func (p *population) put(taken *sketch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own.addAll(taken)
}

// show makes merged, and what was seen since, the view.
func (p *population) show(merged *sketch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	merged.addAll(p.own)
	merged.measureNoise()
	p.view.Store(merged)
	p.seen = true
	p.budget.refresh(merged)
}

// Run merges what this process saw of the population with what other processes
// saw, at once and then every Config.MergeEvery, until ctx ends; then it merges a
// last time and returns ctx's error. A merge that fails is repeated at the next
// turn, with nothing lost, and a store that has lost the population gets it back. A service of one process needs Run too: without it the
// population is lost at a restart. If the store is a [Sweeper], Run sweeps it at
// once and then every hour.
func (d *Detector) Run(ctx context.Context) error {
	ticker := time.NewTicker(d.cfg.MergeEvery)
	defer ticker.Stop()
	var swept time.Time
	for {
		err := d.Merge(ctx)
		if now := d.cfg.Now(); now.Sub(swept) >= sweepEvery {
			d.sweep(ctx, now)
			swept = now
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return errors.Join(ctx.Err(), d.Merge(last))
		case <-ticker.C:
		}
		if errors.Is(err, ErrDamaged) {
			return err
		}
	}
}

func (d *Detector) sweep(ctx context.Context, now time.Time) {
	if s, ok := d.store.(Sweeper); ok {
		_, _ = s.Sweep(ctx, now) // the next sweep does what this one could not
	}
}

// Merge does one turn of Run: a load and a save of some 300 KB.
func (d *Detector) Merge(ctx context.Context) error {
	taken := d.population.take()
	for range learnAttempts {
		merged, err := d.mergeOnce(ctx, taken)
		if err == nil {
			d.population.show(merged)
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			d.population.put(taken)
			return fmt.Errorf("anomaly: merge population: %w", err)
		}
	}
	d.population.put(taken)
	return fmt.Errorf("anomaly: merge population: %w", ErrConflict)
}

func (d *Detector) mergeOnce(ctx context.Context, taken *sketch) (*sketch, error) {
	blob, version, err := d.store.Load(ctx, "", nil)
	if err != nil {
		return nil, err
	}
	today := dayOf(d.cfg.Now())
	merged, day := newSketch(), today
	if version == 0 {
		if known := d.population.known(); known != nil {
			merged, taken = known, newSketch()
		}
	} else {
		plain, err := d.unseal(nil, blob, "", new([]byte))
		if err != nil {
			return nil, err
		}
		if merged, day, err = decodeSketch(plain); err != nil {
			return nil, err
		}
	}
	// In steps, as profile.advance does and for the same reason.
	if float64(today)-float64(day) >= max(1, d.halfLife/16) {
		merged.scale(decay(day, today, d.halfLife))
		day = today
	}
	if merged.total(totalHours) > 1<<26 { // before the fullest cells, of hours, overflow
		merged.scale(0.5)
	}
	merged.shrink()
	merged.addAll(taken)
	return merged, d.store.Save(ctx, "", d.seal(nil, merged.encode(day), ""), version)
}
