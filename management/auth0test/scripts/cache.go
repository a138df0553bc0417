package scripts

import (
	"sync"
	"time"

	"github.com/dop251/goja"
)

// Limits of api.cache, by Auth0.
const (
	cacheEntries = 20
	cacheKey     = 64
	cacheValue   = 4 << 10
	cacheTotal   = 8 << 10
	cacheTime    = 24 * time.Hour
)

// cache is the api.cache of an Action, of all its instances.
type cache struct {
	mu      sync.Mutex
	entries map[string]cacheEntry
}

type cacheEntry struct {
	value   string
	expires time.Time
}

func newCache() *cache { return &cache{entries: make(map[string]cacheEntry)} }

func (c *cache) methods(vm *goja.Runtime) map[string]any {
	record := func(e cacheEntry) map[string]any {
		return map[string]any{"value": e.value, "expires_at": e.expires.UnixMilli()}
	}
	refused := func(code string) map[string]any { return map[string]any{"type": "error", "code": code} }
	return map[string]any{
		"get": func(key string) goja.Value {
			c.mu.Lock()
			defer c.mu.Unlock()
			e, ok := c.entries[key]
			if !ok || !time.Now().Before(e.expires) {
				return goja.Undefined()
			}
			return vm.ToValue(record(e))
		},
		"set": func(key, value string, options map[string]any) map[string]any {
			c.mu.Lock()
			defer c.mu.Unlock()
			e := cacheEntry{value, time.Now().Add(cacheTime)}
			switch ttl := options["ttl"].(type) {
			case int64:
				e.expires = time.Now().Add(min(time.Duration(ttl)*time.Millisecond, cacheTime))
			case float64:
				e.expires = time.Now().Add(min(time.Duration(ttl)*time.Millisecond, cacheTime))
			}
			size := len(key) + len(value)
			for k, other := range c.entries {
				if !time.Now().Before(other.expires) {
					delete(c.entries, k)
				} else if k != key {
					size += len(k) + len(other.value)
				}
			}
			_, known := c.entries[key]
			switch {
			case key == "" || len(key) > cacheKey:
				return refused("CacheKeySizeExceeded")
			case len(value) > cacheValue:
				return refused("ItemSizeExceeded")
			case size > cacheTotal || !known && len(c.entries) >= cacheEntries:
				return refused("CacheSizeExceeded")
			}
			c.entries[key] = e
			return map[string]any{"type": "success", "record": record(e)}
		},
		"delete": func(key string) map[string]any {
			c.mu.Lock()
			defer c.mu.Unlock()
			delete(c.entries, key)
			return map[string]any{"type": "success"}
		},
	}
}
