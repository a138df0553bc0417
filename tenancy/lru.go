package tenancy

import "sync"

// lru is a bounded map that forgets what was not used for longest. It is safe
// for concurrent use.
type lru[K comparable, V any] struct {
	max int

	mu    sync.Mutex
	nodes map[K]*node[K, V]
	root  node[K, V] // of the ring: next is the newest, prev the oldest
}

type node[K comparable, V any] struct {
	key        K
	value      V
	next, prev *node[K, V]
}

func newLRU[K comparable, V any](max int) *lru[K, V] {
	l := &lru[K, V]{max: max, nodes: make(map[K]*node[K, V])}
	l.root.next, l.root.prev = &l.root, &l.root
	return l
}

func (l *lru[K, V]) get(key K) (value V, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.nodes[key]
	if !ok {
		return value, false
	}
	n.unlink()
	l.pushFront(n)
	return n.value, true
}

func (l *lru[K, V]) put(key K, value V) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.nodes[key]; ok {
		n.value = value
		n.unlink()
		l.pushFront(n)
		return
	}
	if len(l.nodes) >= l.max {
		l.remove(l.root.prev)
	}
	n := &node[K, V]{key: key, value: value}
	l.nodes[key] = n
	l.pushFront(n)
}

func (l *lru[K, V]) drop(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.nodes[key]; ok {
		l.remove(n)
	}
}

func (l *lru[K, V]) dropIf(match func(K) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, n := range l.nodes {
		if match(key) {
			l.remove(n)
		}
	}
}

func (l *lru[K, V]) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.nodes)
}

func (l *lru[K, V]) remove(n *node[K, V]) {
	n.unlink()
	delete(l.nodes, n.key)
}

func (l *lru[K, V]) pushFront(n *node[K, V]) {
	n.prev, n.next = &l.root, l.root.next
	n.prev.next, n.next.prev = n, n
}

func (n *node[K, V]) unlink() { n.prev.next, n.next.prev = n.next, n.prev }
