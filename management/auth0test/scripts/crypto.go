package scripts

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"

	"github.com/dop251/goja"
	"github.com/dop251/goja_nodejs/buffer"
)

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
