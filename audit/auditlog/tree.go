package auditlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// Kinds and keys of the tree's records in the store.
const (
	kindTree       = "tree"       // "head"
	kindTile       = "tile"       // level and number
	kindCheckpoint = "checkpoint" // size
)

// A tile has up to 256 hashes of one level, as in C2SP tlog-tiles: level 0 those
// of leaves, level 1 the roots of full tiles of level 0, and so on.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

var (
	hasher = rfc6962.DefaultHasher
	ranges = compact.RangeFactory{Hash: hasher.HashChildren}
)

type tileID struct {
	level uint
	n     uint64
}

func (t tileID) key() string { return fmt.Sprintf("%d/%016x", t.level, t.n) }

func checkpointKey(size uint64) string { return fmt.Sprintf("%020d", size) }

// head is the record that says how far the tree is.
type head struct {
	Size     uint64   `json:"size"`
	Frontier [][]byte `json:"frontier"` // The compact range [0, Size).
}

// tree is what the sequencer holds of it: the right edge.
type tree struct {
	version int64 // Of the head's record.
	edge    *compact.Range
	tails   map[uint][]byte // By level, the tile that is not full.
}

func readHead(ctx context.Context, s driver.State) (head, int64, error) {
	records, err := s.Get(ctx, kindTree, "head")
	if err != nil || len(records) == 0 {
		return head{}, 0, err
	}
	var h head
	if err := json.Unmarshal(records[0].Value, &h); err != nil {
		return head{}, 0, fmt.Errorf("auditlog: the tree's head is not readable: %w", err)
	}
	return h, records[0].Version, nil
}

func loadTree(ctx context.Context, s driver.State) (*tree, error) {
	h, version, err := readHead(ctx, s)
	if err != nil {
		return nil, err
	}
	edge, err := ranges.NewRange(0, h.Size, h.Frontier)
	if err != nil {
		return nil, fmt.Errorf("auditlog: the tree's head is not consistent: %w", err)
	}
	t := &tree{version: version, edge: edge, tails: make(map[uint][]byte)}
	for level, rest := uint(0), h.Size; rest > 0; level, rest = level+1, rest/tileWidth {
		if rest%tileWidth == 0 {
			continue
		}
		tail, err := readTile(ctx, s, tileID{level, rest / tileWidth}, int(rest%tileWidth))
		if err != nil {
			return nil, err
		}
		t.tails[level] = tail
	}
	return t, nil
}

// readTile returns the first count hashes of a tile.
func readTile(ctx context.Context, s driver.State, id tileID, count int) ([]byte, error) {
	records, err := s.Get(ctx, kindTile, id.key())
	if err != nil {
		return nil, err
	}
	if len(records) == 0 || len(records[0].Value) < count*hashSize {
		return nil, fmt.Errorf("auditlog: %w: tile %s", errTileMissing, id.key())
	}
	return records[0].Value[:count*hashSize], nil
}

var errTileMissing = errors.New("a part of the tree is missing")

// append adds leaf hashes and returns the tiles that changed. A tree whose step
// was not written is loaded again.
func (t *tree) append(hashes []byte) (map[tileID][]byte, error) {
	changed := make(map[tileID][]byte)
	for ; len(hashes) > 0; hashes = hashes[hashSize:] {
		var failed error
		add := func(id compact.NodeID, hash []byte) {
			if id.Level%tileHeight == 0 {
				failed = errors.Join(failed, t.put(changed, id, hash))
			}
		}
		leaf := hashes[:hashSize:hashSize]
		if err := errors.Join(t.edge.Append(leaf, add), failed); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

func (t *tree) put(changed map[tileID][]byte, id compact.NodeID, hash []byte) error {
	level := id.Level / tileHeight
	tail := t.tails[level]
	if uint64(len(tail)/hashSize) != id.Index%tileWidth {
		return errors.New("auditlog: the tree's tiles are not consistent with its head")
	}
	tail = append(tail, hash...)
	changed[tileID{level, id.Index / tileWidth}] = tail
	if len(tail) == tileWidth*hashSize {
		tail = nil
	}
	t.tails[level] = tail
	return nil
}

func (t *tree) checkpoint(origin string) (checkpoint, error) {
	root, err := rootOf(t.edge)
	return checkpoint{origin: origin, size: t.edge.End(), root: root}, err
}

func rootOf(r *compact.Range) ([]byte, error) {
	if r.End() == 0 {
		return hasher.EmptyRoot(), nil
	}
	return r.GetRootHash(nil)
}

// writes are the records of a step: tiles, head and signed checkpoint. The
// versions of head and checkpoint refuse a fork even without the lease.
func (t *tree) writes(changed map[tileID][]byte, signed []byte) ([]driver.Write, error) {
	value, err := json.Marshal(head{Size: t.edge.End(), Frontier: t.edge.Hashes()})
	if err != nil {
		return nil, err
	}
	writes := []driver.Write{
		{Kind: kindTree, Key: "head", Value: value, Version: t.version},
		{Kind: kindCheckpoint, Key: checkpointKey(t.edge.End()), Value: signed},
	}
	for id, hashes := range changed {
		writes = append(writes, driver.Write{Kind: kindTile, Key: id.key(), Value: hashes, Version: driver.Any})
	}
	return writes, nil
}

// nodes reads hashes of inner nodes out of the tiles of a tree of some size.
type nodes struct {
	state driver.State
	size  uint64
	tiles map[tileID][]byte
}

func newNodes(s driver.State, size uint64) *nodes {
	return &nodes{state: s, size: size, tiles: make(map[tileID][]byte)}
}

func (n *nodes) tile(ctx context.Context, id tileID) ([]byte, error) {
	if tile, ok := n.tiles[id]; ok {
		return tile, nil
	}
	count := min(n.size>>(tileHeight*id.level)-id.n*tileWidth, tileWidth)
	tile, err := readTile(ctx, n.state, id, int(count))
	if len(n.tiles) >= 1024 { // 8 MB
		clear(n.tiles)
	}
	if err == nil {
		n.tiles[id] = tile
	}
	return tile, err
}

// hash returns a node's hash: the root of the hashes below it in its tile.
func (n *nodes) hash(ctx context.Context, id compact.NodeID) ([]byte, error) {
	depth := id.Level % tileHeight
	first := id.Index << depth
	tile, err := n.tile(ctx, tileID{id.Level / tileHeight, first / tileWidth})
	if err != nil {
		return nil, err
	}
	start := int(first%tileWidth) * hashSize
	return subtree(tile[start : start+hashSize<<depth]), nil
}

// subtree hashes 2^k hashes up to their root.
func subtree(hashes []byte) []byte {
	if len(hashes) == hashSize {
		return hashes
	}
	half := len(hashes) / 2
	return hasher.HashChildren(subtree(hashes[:half]), subtree(hashes[half:]))
}

func (n *nodes) inclusion(ctx context.Context, index uint64) ([][]byte, error) {
	plan, err := proof.Inclusion(index, n.size)
	if err != nil {
		return nil, err
	}
	return n.build(ctx, plan)
}

func (n *nodes) consistency(ctx context.Context, from uint64) ([][]byte, error) {
	plan, err := proof.Consistency(from, n.size)
	if err != nil {
		return nil, err
	}
	return n.build(ctx, plan)
}

func (n *nodes) build(ctx context.Context, plan proof.Nodes) ([][]byte, error) {
	hashes := make([][]byte, 0, len(plan.IDs))
	for _, id := range plan.IDs {
		hash, err := n.hash(ctx, id)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return plan.Rehash(hashes, hasher.HashChildren)
}
