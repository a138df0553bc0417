package migration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
)

// Bounds of the memberships stage. Auth0 takes ten members a request; see
// https://auth0.com/docs/manage-users/organizations/configure-organizations/assign-members
const (
	maxSeats      = 10   // of one organization in one request
	maxBuffered   = 2000 // seats that wait for their organization to have ten
	maxOffers     = 4096 // users that wait behind the import
	writeFinished = 200  // users whose outcomes are written together
)

const codeMembership = "MEMBERSHIP_REFUSED"

// memberStage puts migrated users into their organizations, behind the import
// and beside it: it is the slower of the two for business customers, and must
// not hold up a job slot. What finds no room here stays pending in the ledger
// and is read again from the source when the import is done.
type memberStage struct {
	w        *work
	in       chan offer
	overflow atomic.Bool

	seats    map[string][]seat // by organization
	buffered int
	finished []*candidate
}

// offer is a migrated user and where it belongs.
type offer struct {
	key         string
	memberships []Membership
}

// candidate is a user on its way into its organizations.
type candidate struct {
	key        string
	open       int // memberships to go
	code, path string
}

// seat is one membership of a candidate.
type seat struct {
	who   *candidate
	roles []string
}

func newMemberStage(w *work) *memberStage {
	return &memberStage{w: w, in: make(chan offer, maxOffers), seats: make(map[string][]seat)}
}

// offer hands a user to the stage if there is room.
func (m *memberStage) offer(key string, memberships []Membership) {
	select {
	case m.in <- offer{key, memberships}:
	default:
		m.overflow.Store(true)
	}
}

// add hands a user to the stage and waits for room.
func (m *memberStage) add(ctx context.Context, o offer) error {
	select {
	case m.in <- o:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *memberStage) overflowed() bool { return m.overflow.Load() }

// close says that no more users will come.
func (m *memberStage) close() { close(m.in) }

// run works until close was called and everything is done.
func (m *memberStage) run(ctx context.Context) error {
	for {
		select {
		case o, ok := <-m.in:
			if !ok {
				return m.flush(ctx)
			}
			if err := m.take(ctx, o); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *memberStage) take(ctx context.Context, o offer) error {
	c := &candidate{key: o.key}
	var full []string
	for _, place := range o.memberships {
		if place.OrgID == "" {
			continue
		}
		c.open++
		m.buffered++
		m.seats[place.OrgID] = append(m.seats[place.OrgID], seat{c, place.RoleIDs})
		if len(m.seats[place.OrgID]) >= maxSeats {
			full = append(full, place.OrgID)
		}
	}
	if c.open == 0 {
		m.finished = append(m.finished, c)
	}
	for _, org := range full {
		if err := m.fill(ctx, org); err != nil {
			return err
		}
	}
	if m.buffered > maxBuffered || len(m.finished) >= writeFinished {
		return m.flush(ctx)
	}
	return nil
}

// flush fills all organizations with whoever waits, and writes who is done.
func (m *memberStage) flush(ctx context.Context) error {
	for org := range m.seats {
		if err := m.fill(ctx, org); err != nil {
			return err
		}
	}
	return m.write(ctx)
}

// fill adds the waiting members of one organization with their roles.
func (m *memberStage) fill(ctx context.Context, org string) error {
	seats := m.seats[org]
	delete(m.seats, org)
	m.buffered -= len(seats)
	if len(seats) == 0 {
		return nil
	}
	for ten := range slices.Chunk(seats, maxSeats) {
		if err := m.join(ctx, org, ten); err != nil {
			return err
		}
	}
	g, roleCtx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for _, s := range seats {
		if len(s.roles) > 0 && s.who.path != org {
			g.Go(func() error { return m.assign(roleCtx, org, s) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, s := range seats {
		if s.who.open--; s.who.open == 0 {
			m.finished = append(m.finished, s.who)
		}
	}
	return nil
}

// join adds up to ten members. When Auth0 refuses them together, each is tried
// alone, so that one does not keep the others out.
func (m *memberStage) join(ctx context.Context, org string, seats []seat) error {
	ids := make([]string, len(seats))
	for i, s := range seats {
		ids[i] = userID(s.who.key)
	}
	_, err := patiently(ctx, func() (struct{}, error) { return struct{}{}, m.w.dst.AddMembers(ctx, org, ids...) })
	if err == nil {
		return nil
	}
	if !m.personal(err) {
		return fmt.Errorf("migration: add members to an organization: %w", err)
	}
	if len(seats) == 1 {
		seats[0].who.refuse(org, err)
		return nil
	}
	for i := range seats {
		if err := m.join(ctx, org, seats[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (m *memberStage) assign(ctx context.Context, org string, s seat) error {
	_, err := patiently(ctx, func() (struct{}, error) {
		return struct{}{}, m.w.dst.AssignMemberRoles(ctx, org, userID(s.who.key), s.roles...)
	})
	if err == nil {
		return nil
	}
	if !m.personal(err) {
		return fmt.Errorf("migration: assign roles in an organization: %w", err)
	}
	s.who.refuse(org, err)
	return nil
}

// personal reports whether an error is about these users, this organization or
// these roles, and not about everything.
func (m *memberStage) personal(err error) bool {
	return errors.Is(err, resource.ErrInvalid) || errors.Is(err, resource.ErrNotFound) || errors.Is(err, resource.ErrConflict)
}

func (c *candidate) refuse(org string, err error) {
	c.code, c.path = codeMembership, org
	if e, ok := errors.AsType[*resource.Error](err); ok && e.Code != "" {
		c.code = e.Code
	}
}

// write notes in the ledger who is done. Outcomes are read again first: other
// parts of them may have changed since the user was offered.
func (m *memberStage) write(ctx context.Context) error {
	keys := make([]string, len(m.finished))
	for i, c := range m.finished {
		keys[i] = c.key
	}
	known, err := m.w.known(ctx, keys)
	if err != nil {
		return err
	}
	outcomes := make([]driver.Outcome, 0, len(keys))
	for _, c := range m.finished {
		o, ok := known[c.key]
		if !ok {
			continue
		}
		o.Memberships, o.Code, o.Path, o.At = driver.MembershipsDone, c.code, c.path, time.Now().UTC()
		if c.code != "" {
			o.Memberships = driver.MembershipsFailed
		}
		outcomes = append(outcomes, o)
	}
	m.finished = m.finished[:0]
	if err := m.w.putOutcomes(ctx, outcomes); err != nil {
		return err
	}
	m.w.tracker.update(func(p *Progress) { p.Memberships += len(outcomes) })
	return nil
}
