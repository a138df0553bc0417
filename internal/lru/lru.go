// Package lru is a bounded map that forgets what was not used for longest.
package lru

import (
	"container/list"
	"sync"
)

// Cache is such a map. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	max int

	mu    sync.Mutex
	items map[K]*list.Element
	order list.List // Of *item[K, V], the last used first.
}

type item[K comparable, V any] struct {
	key   K
	value V
}

// New makes a cache of at most max entries, which must be positive.
func New[K comparable, V any](max int) *Cache[K, V] {
	return &Cache[K, V]{max: max, items: make(map[K]*list.Element)}
}

// Get returns the value of key, if there is one.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[key]; ok {
		return c.use(e), true
	}
	return value, false
}

// GetOr returns the value of key, after setting it to that of fresh if there was
// none.
func (c *Cache[K, V]) GetOr(key K, fresh func() V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[key]; ok {
		return c.use(e)
	}
	value := fresh()
	c.add(key, value)
	return value
}

// Put sets the value of key.
func (c *Cache[K, V]) Put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(key)
	c.add(key, value)
}

// Drop forgets key.
func (c *Cache[K, V]) Drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(key)
}

// DropIf forgets the keys that match matches.
func (c *Cache[K, V]) DropIf(match func(K) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.items {
		if match(key) {
			c.remove(key)
		}
	}
}

// Len returns how many entries there are.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.items)
}

func (c *Cache[K, V]) use(e *list.Element) V {
	c.order.MoveToFront(e)
	return e.Value.(*item[K, V]).value
}

func (c *Cache[K, V]) add(key K, value V) {
	if len(c.items) >= c.max {
		c.remove(c.order.Back().Value.(*item[K, V]).key)
	}
	c.items[key] = c.order.PushFront(&item[K, V]{key, value})
}

func (c *Cache[K, V]) remove(key K) {
	if e, ok := c.items[key]; ok {
		c.order.Remove(e)
		delete(c.items, key)
	}
}
