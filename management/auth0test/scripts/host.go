package scripts

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja_nodejs/buffer"
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

const unsupported = "not supported by this tenant"

// hashes are the functions that scripts can name.
var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// loadCrypto makes a part of node:crypto.
func loadCrypto(vm *goja.Runtime, module *goja.Object) {
	exports := module.Get("exports").ToObject(vm)
	for name, f := range map[string]any{
		"createHash": func(name string) goja.Value { return digest(vm, hashOf(vm, name)()) },
		"createHmac": func(c goja.FunctionCall) goja.Value {
			return digest(vm, hmac.New(hashOf(vm, c.Argument(0).String()), buffer.DecodeBytes(vm, c.Argument(1), goja.Undefined())))
		},
		"randomBytes": func(n int) goja.Value {
			if n < 0 || n > 1<<16 {
				panic(vm.NewTypeError("randomBytes of this size is " + unsupported))
			}
			b := make([]byte, n)
			rand.Read(b)
			return buffer.WrapBytes(vm, b)
		},
		"randomUUID": func() string {
			var b [16]byte
			rand.Read(b[:])
			b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
			return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
		},
		"timingSafeEqual": func(c goja.FunctionCall) goja.Value {
			x, y := buffer.Bytes(vm, c.Argument(0)), buffer.Bytes(vm, c.Argument(1))
			if len(x) != len(y) {
				panic(vm.NewTypeError("Input buffers must have the same byte length"))
			}
			return vm.ToValue(subtle.ConstantTimeCompare(x, y) == 1)
		},
	} {
		_ = exports.Set(name, f)
	}
}

func hashOf(vm *goja.Runtime, name string) func() hash.Hash {
	h := hashes[name]
	if h == nil {
		panic(vm.NewTypeError("the hash " + name + " is " + unsupported))
	}
	return h
}

// digest is a Hash or an Hmac.
func digest(vm *goja.Runtime, h hash.Hash) goja.Value {
	o := vm.NewObject()
	_ = o.Set("update", func(c goja.FunctionCall) goja.Value {
		from, _ := goja.AssertFunction(vm.Get("Buffer").ToObject(vm).Get("from"))
		data, err := from(goja.Undefined(), c.Argument(0), c.Argument(1))
		if err != nil {
			panic(err)
		}
		h.Write(buffer.Bytes(vm, data))
		return o
	})
	_ = o.Set("digest", func(c goja.FunctionCall) goja.Value {
		sum := buffer.WrapBytes(vm, h.Sum(nil))
		if goja.IsUndefined(c.Argument(0)) {
			return sum
		}
		text, _ := goja.AssertFunction(sum.Get("toString")) // host.js's, which refuses unknown encodings.
		v, err := text(sum, c.Argument(0))
		if err != nil {
			panic(err)
		}
		return v
	})
	return o
}

// request is what host.js asks for.
type request struct {
	URL      string      `json:"url"`
	Method   string      `json:"method"`
	Redirect string      `json:"redirect"`
	Headers  [][2]string `json:"headers"`
}

type redirectKey struct{}

var errRedirect = errors.New("unexpected redirect")

// redirect decides about redirects as the request says, and about their hosts.
func (e *Engine) redirect(r *http.Request, via []*http.Request) error {
	switch mode, _ := r.Context().Value(redirectKey{}).(string); {
	case mode == "manual":
		return http.ErrUseLastResponse
	case mode == "error":
		return errRedirect
	case len(via) >= 20:
		return errors.New("redirect count exceeded")
	}
	return e.allowed(r)
}

func (e *Engine) allowed(r *http.Request) error {
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" || !slices.Contains(e.cfg.Hosts, r.URL.Host) {
		return errors.New("the host is not in Config.Hosts: " + r.URL.Host)
	}
	return nil
}

// fetch starts a request and returns a function that ends it. failed makes the error
// of a message.
func (i *instance) fetch(want request, body goja.Value, resolve, reject, failed goja.Callable) (func(), error) {
	ctx, cancel := context.WithCancel(context.WithValue(i.ctx, redirectKey{}, want.Redirect))
	r, err := http.NewRequestWithContext(ctx, want.Method, want.URL, bytes.NewReader(buffer.Bytes(i.vm, body)))
	if err == nil {
		err = i.engine.allowed(r)
	}
	if err != nil {
		cancel()
		_, bad := reject(goja.Undefined(), i.vm.ToValue(err.Error()))
		return func() {}, bad
	}
	for _, h := range want.Headers {
		r.Header.Set(h[0], h[1])
	}
	deliver := i.later()
	go func() {
		answer, err := i.engine.client.Do(r)
		deliver(func() {
			if err != nil {
				_, _ = reject(goja.Undefined(), i.vm.ToValue(err.Error()))
				return
			}
			_, _ = resolve(goja.Undefined(), i.response(answer, cancel, failed))
		})
		if err != nil {
			cancel()
		}
	}()
	return func() { cancel() }, nil
}

// response is what host.js makes a Response of.
func (i *instance) response(r *http.Response, cancel func(), failed goja.Callable) goja.Value {
	headers := [][]string{}
	for name, values := range r.Header {
		for _, v := range values {
			headers = append(headers, []string{name, v})
		}
	}
	return i.vm.ToValue(map[string]any{
		"status": r.StatusCode, "statusText": http.StatusText(r.StatusCode), "url": r.Request.URL.String(), "redirected": false,
		"headers": headers, "empty": r.StatusCode == http.StatusNoContent,
		"cancel": func() {
			cancel()
			go r.Body.Close() // It may wait for the connection.
		},
		"read": func(resolve, reject goja.Callable) {
			deliver := i.later()
			go func() {
				part := make([]byte, 16<<10)
				n, err := r.Body.Read(part)
				for n == 0 && err == nil {
					n, err = r.Body.Read(part)
				}
				deliver(func() {
					switch {
					case n > 0:
						_, _ = resolve(goja.Undefined(), i.vm.ToValue(i.vm.NewArrayBuffer(part[:n])))
					case errors.Is(err, io.EOF):
						_, _ = resolve(goja.Undefined(), goja.Null())
					default:
						v, _ := failed(goja.Undefined(), i.vm.ToValue("terminated"))
						_, _ = reject(goja.Undefined(), v)
					}
				})
			}()
		},
	})
}
