package migration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// Bounds of the memberships stage. Auth0 takes ten members a request; see
// https://auth0.com/docs/manage-users/organizations/configure-organizations/assign-members
const (
	maxSeats      = 10   // of one organization in one request
	maxBuffered   = 2000 // seats that wait for their organization to have ten
	maxOffers     = 4096 // users that wait behind the import
	writeFinished = 200  // users whose outcomes are written together
)

const (
	codeMembership   = "MEMBERSHIP_REFUSED"
	codeUnknownPlace = "NOT_IN_TENANT" // An organization or a role that the tenant does not have.
)

// memberStage puts migrated users into their organizations, behind the import
// and beside it: it is the slower of the two for business customers, and must
// not hold up a job slot. What finds no room here stays pending in the ledger
// and is read again from the source when the import is done.
type memberStage struct {
	w        *work
	in       chan offer
	overflow atomic.Bool

	seats    map[string][]seat // by organization, "" is the tenant
	buffered int
	finished []*candidate
}

// offer is a migrated user, where it belongs, and where an earlier run put it.
type offer struct {
	key    string
	places places
	given  string
	ask    bool          // the user was migrated earlier: whether it is still this run's must be asked
	moved  bool          // what was given stands, and only what differs is given
	done   chan struct{} // of a mark in the queue: all before it are written
}

// candidate is a user on its way into its organizations.
type candidate struct {
	key        string
	open       int // places to go
	given      string
	changed    int
	code, path string
}

// seat is one place of a candidate.
type seat struct {
	who     *candidate
	roles   []string
	refused *bool
}

func newMemberStage(w *work) *memberStage {
	return &memberStage{w: w, in: make(chan offer, maxOffers), seats: make(map[string][]seat)}
}

// offer hands a user to the stage if there is room.
func (m *memberStage) offer(o offer) {
	select {
	case m.in <- o:
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

// catchUp reads the source once more for users whose memberships did not find room
// behind the import. What is queued is carried out first: the ledger calls it
// pending until then, and it would be done twice.
func (m *memberStage) catchUp(ctx context.Context) error {
	if !m.overflow.Load() {
		return nil
	}
	mark := make(chan struct{})
	if err := m.add(ctx, offer{done: mark}); err != nil {
		return err
	}
	select {
	case <-mark:
	case <-ctx.Done():
		return ctx.Err()
	}
	for page, err := range m.w.pages(ctx) {
		if err != nil || m.w.stop.Err() != nil {
			return err
		}
		known, err := m.w.known(ctx, keysOf(page))
		if err != nil {
			return err
		}
		for i := range page {
			rec := page[i]
			o := known[rec.Key]
			if o.Memberships != driver.MembershipsPending || m.w.run.prepare(&rec, m.w.rules()) != nil {
				continue
			}
			places, err := m.w.places.of(ctx, &rec)
			if err != nil {
				return err
			}
			if err := m.add(ctx, offer{key: o.Key, places: places, given: o.Given, ask: o.At.Before(m.w.tracker.start)}); err != nil {
				return err
			}
		}
	}
	return nil
}

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
	if o.done != nil {
		defer close(o.done)
		return m.flush(ctx)
	}
	if o.ask {
		u, mine, err := m.w.user(ctx, o.key)
		if err != nil {
			return err
		}
		if mine == "" {
			m.w.kept.Add(1)
			if !o.moved {
				m.finished = append(m.finished, &candidate{key: o.key, given: o.given, code: notOurs(u)})
			}
			return nil
		}
	}
	c := &candidate{key: o.key, given: o.places.String()}
	if o.places.unknown != "" {
		c.code, c.path = codeUnknownPlace, o.places.unknown
	}
	if err := m.takeBack(ctx, o, c); err != nil {
		return err
	}
	old := parsePlaces(o.given)
	var full []string
	for _, org := range o.places.orgs() {
		if had, ok := old.roles[org]; ok && slices.Equal(had, o.places.roles[org]) && o.moved {
			continue
		}
		c.open++
		m.buffered++
		m.seats[org] = append(m.seats[org], seat{c, o.places.roles[org], new(bool)})
		if org == "" || len(m.seats[org]) >= maxSeats {
			full = append(full, org)
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

// takeBack ends the memberships and roles that an earlier run gave and the record
// no longer names.
func (m *memberStage) takeBack(ctx context.Context, o offer, c *candidate) error {
	id := m.w.run.UserID(o.key)
	old := parsePlaces(o.given)
	for _, org := range old.orgs() {
		roles, stays := o.places.roles[org]
		gone := slices.DeleteFunc(slices.Clone(old.roles[org]), func(r string) bool { return slices.Contains(roles, r) })
		var op func() error
		switch {
		case org != "" && !stays:
			op = func() error { return m.w.dst.RemoveMembers(ctx, org, id) }
		case len(gone) == 0:
			continue
		case org == "":
			op = func() error { return m.w.dst.RemoveRoles(ctx, id, gone...) }
		default:
			op = func() error { return m.w.dst.RemoveMemberRoles(ctx, org, id, gone...) }
		}
		if err := jobs.Do(ctx, op); err != nil && !errors.Is(err, resource.ErrNotFound) {
			if !personal(err) {
				return fmt.Errorf("migration: take organizations or roles back: %w", err)
			}
			c.refuse(org, err)
			continue
		}
		c.changed++
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
	for ten := range slices.Chunk(seats, maxSeats) {
		if org == "" {
			break
		}
		if err := m.join(ctx, org, ten); err != nil {
			return err
		}
	}
	err := parallel(ctx, lookers, len(seats), func(ctx context.Context, i int) error {
		if len(seats[i].roles) == 0 || *seats[i].refused {
			return nil
		}
		return m.assign(ctx, org, seats[i])
	})
	if err != nil {
		return err
	}
	for _, s := range seats {
		s.who.changed++
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
		ids[i] = m.w.run.UserID(s.who.key)
	}
	err := jobs.Do(ctx, func() error { return m.w.dst.AddMembers(ctx, org, ids...) })
	if err == nil {
		return nil
	}
	if !personal(err) {
		return fmt.Errorf("migration: add members to an organization: %w", err)
	}
	if len(seats) == 1 {
		*seats[0].refused = true
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
	id := m.w.run.UserID(s.who.key)
	err := jobs.Do(ctx, func() error {
		if org == "" {
			return m.w.dst.AssignRoles(ctx, id, s.roles...)
		}
		return m.w.dst.AssignMemberRoles(ctx, org, id, s.roles...)
	})
	if err == nil {
		return nil
	}
	if !personal(err) {
		return fmt.Errorf("migration: assign roles: %w", err)
	}
	s.who.refuse(org, err)
	return nil
}

// personal reports whether an error is about these users, this organization or
// these roles, and not about everything.
func personal(err error) bool {
	return errors.Is(err, resource.ErrInvalid) || errors.Is(err, resource.ErrNotFound) || errors.Is(err, resource.ErrConflict)
}

func (c *candidate) refuse(org string, err error) {
	c.code, c.path = codeMembership, orDefault(org, "roles")
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
	changed := 0
	outcomes := make([]driver.Outcome, 0, len(keys))
	for _, c := range m.finished {
		changed += c.changed
		o, ok := known[c.key]
		if !ok {
			continue
		}
		o.Memberships, o.Given, o.Code, o.Path, o.At = driver.MembershipsDone, c.given, c.code, c.path, time.Now().UTC()
		if c.code != "" {
			o.Memberships = driver.MembershipsFailed
		}
		if c.given == "" && c.code == "" {
			o.Memberships = driver.MembershipsNone
		}
		outcomes = append(outcomes, o)
	}
	m.finished = m.finished[:0]
	if err := m.w.putOutcomes(ctx, outcomes); err != nil {
		return err
	}
	m.w.tracker.update(func(p *Progress) {
		p.Memberships += changed
		p.MembershipsTotal = max(p.MembershipsTotal, p.Memberships)
	})
	return nil
}
