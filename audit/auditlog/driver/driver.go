// Package driver says what a store of an audit log does. Programs that record
// events use package auditlog; this package is for authors of stores.
//
// A store moves rows, compares, and writes each change in one transaction. It
// knows nothing of keys, hashes, signatures or sinks: that is package auditlog's.
// Every sentence here that says what a method does is a case of the suite in
// package audittest.
//
// # Tables
//
// Four tables and a lease are enough:
//
//   - events: one row for each event under (block, position), and unique by id.
//     Rows are inserted and never changed.
//   - pending: one row for each block that is not sealed yet, with the hashes of
//     its leaves. A block is what one call of Append wrote; its number is never
//     used twice, see NewBlock.
//   - sealed: where each block stands in the log, unique by both.
//   - state: small records under (kind, key) with a version. The tree, the
//     checkpoints, keys, holds, cursors and streams are records.
//   - the lease of the sequencer: holder, fence, and when it ends by the
//     database's clock, because the clocks of its holders differ.
//
// Writers insert and wait for nobody. One sequencer at a time gives blocks their
// places; a fence that is checked in its transaction, and unique keys, keep a
// second one out.
package driver

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/audit"
)

// MaxBatch is how many events one Append may have.
const MaxBatch = 4096

// ErrExists is returned when an event's ID is in the store already, or twice in
// the batch.
var ErrExists = errors.New("driver: event is there already")

// ErrConflict is returned when a Write finds another version.
var ErrConflict = errors.New("driver: state has another version")

// ErrLeased is returned when another holder has the lease.
var ErrLeased = errors.New("driver: another sequencer holds the lease")

// ErrFenced is returned when the lease has passed to another holder.
var ErrFenced = errors.New("driver: the lease has passed on")

// Store is one log's store. All methods are safe for concurrent use, and every
// error that is not one of this package's means that the outcome is unknown.
type Store interface {
	Events
	Sequence
	State
	Retention
}

// Events holds what was recorded.
type Events interface {
	// Append writes a batch in one transaction: the events as one new block, its
	// pending row, and the writes. It returns ErrExists or ErrConflict, and has
	// written nothing then. A batch may have only events or only writes. Times are
	// kept to the microsecond and cut, never rounded.
	Append(ctx context.Context, b Batch) error
	// Find returns the events with these ids, in any order; ids that are not there
	// are left out.
	Find(ctx context.Context, ids []string) ([]Row, error)
	// Query returns up to limit events that match, ordered by At and then by ID,
	// both ascending and bytewise.
	Query(ctx context.Context, f Filter, limit int) ([]Row, error)
	// Sealed returns up to limit sealed events from an index on, in order. An
	// event that is gone leaves a gap.
	Sealed(ctx context.Context, from uint64, limit int) ([]Row, error)
	// Unsealed returns up to limit events that have no place in the log yet,
	// ordered by block and position, those after the given place only; the zero
	// Place is before all. Hash is what the block's pending row says; it is nil when there is no such row.
	Unsealed(ctx context.Context, after Place, limit int) ([]Row, error)
}

// Sequence gives blocks their places in the log.
type Sequence interface {
	// Acquire takes the lease for ttl when it is free, has ended or is the
	// holder's own, and returns ErrLeased otherwise. A lease that the holder has
	// already keeps its fence; any other fence is higher than every one before. An
	// end that lies more than 2 ttl ahead is of a clock that went back: that lease
	// is free.
	Acquire(ctx context.Context, holder string, ttl time.Duration) (Lease, error)
	// Release ends the lease if it is still this one.
	Release(ctx context.Context, l Lease) error
	// Pending returns blocks that have no place yet, lowest number first: at least
	// one if there is one, and then as many as have about limit events together.
	Pending(ctx context.Context, limit int) ([]Block, error)
	// Seal does in one transaction: check the lease (ErrFenced), extend it by ttl,
	// place the blocks, remove their pending rows, and make the writes. A place or
	// a block that is taken already is ErrConflict, as a write with another version
	// is. Nothing is written with an error.
	Seal(ctx context.Context, l Lease, ttl time.Duration, s Sealing) error
	// Backlog returns how many events wait for their place and since when the
	// oldest does; the zero time when none does.
	Backlog(ctx context.Context) (events int, since time.Time, err error)
}

// State holds small records.
type State interface {
	// Get returns the records of a kind with these keys, in any order; keys that
	// are not there are left out.
	Get(ctx context.Context, kind string, keys ...string) ([]Record, error)
	// List returns up to limit records of a kind whose keys come after the given
	// one, bytewise and in this order; after "" from the first, and with last set
	// the other way round: from the highest below after, or from the highest of all.
	List(ctx context.Context, kind, after string, last bool, limit int) ([]Record, error)
}

// Retention removes what is too old.
type Retention interface {
	// Span returns the indexes of the sealed events with from <= At < to as ranges
	// in order, and how many events of that time are not sealed.
	Span(ctx context.Context, from, to time.Time) (sealed []Range, unsealed int, err error)
	// Drop removes the sealed events with from <= At < to whose index is below the
	// given one, in one transaction. From and to are the first of a month and the
	// first of the next, UTC. Events that are not sealed, or of a higher index, stay.
	Drop(ctx context.Context, from, to time.Time, below uint64) error
}

// Event is what a store keeps of one event: the exact bytes that are sealed, and
// copies of what is searched for. References are "kind:id", with a pseudonym for
// the id of a user, and "" for none.
type Event struct {
	ID                        string
	At                        time.Time // When it happened.
	Type, Action, Reason      string
	Outcome                   audit.Outcome
	Actor, OnBehalfOf, Target string
	Organization, Correlation string
	LoggedAt                  time.Time
	Leaf                      []byte
}

// Row is an event and where it stands.
type Row struct {
	Event
	Place  Place
	Sealed bool
	Index  uint64 // In the log; 0 unless Sealed.
	Hash   []byte // Set by Unsealed alone.
}

// Place is where a row lies in the store.
type Place struct {
	Block    int64 // From 1.
	Position int   // In the block, from 0.
}

// NewBlock returns a number for a new block: the time in milliseconds with 21
// random bits, and more than the last one of this process, so that one writer's
// blocks keep their order. Two processes that get the same number are told apart by
// unique keys, and try again.
func NewBlock() int64 {
	n := time.Now().UnixMilli()<<21 | rand.Int64N(1<<21)
	for {
		last := lastBlock.Load()
		n = max(n, last+1)
		if lastBlock.CompareAndSwap(last, n) {
			return n
		}
	}
}

var lastBlock atomic.Int64

// Batch is one transaction of a writer.
type Batch struct {
	Events []Event
	Hashes []byte // 32 bytes for each event, in order.
	Writes []Write
}

// Block is what waits for its place.
type Block struct {
	Number int64
	Hashes []byte
}

// Count returns how many events the block has.
func (b Block) Count() int { return len(b.Hashes) / 32 }

// Lease is the right to seal.
type Lease struct {
	Holder string
	Fence  int64
}

// Sealing is one step of the sequencer.
type Sealing struct {
	Placed []Placed
	Writes []Write
}

// Placed says at which index a block begins, and how many events it has.
type Placed struct {
	First uint64
	Block int64
	Count int
}

// Record is one record of the state. Version counts its writes from 1.
type Record struct {
	Key     string // At most 255 bytes of ASCII.
	Value   []byte
	Version int64
}

// Write changes one record. A nil Value removes it.
type Write struct {
	Kind, Key string
	Value     []byte
	Version   int64 // What is there now: 0 for nothing, Any for whatever there is.
}

// Any as a Write's Version compares nothing.
const Any = -1

// Range is a range of indexes, To not included.
type Range struct{ From, To uint64 }

// Filter selects events; zero fields select all.
type Filter struct {
	Subject                   string // As actor, on behalf of whom, or target.
	Type, Action              string
	Organization, Correlation string
	Outcome                   *audit.Outcome
	From, To                  time.Time // Of At: From included, To not.
	AfterAt                   time.Time // With AfterID: only what comes later in the order of Query.
	AfterID                   string
}
