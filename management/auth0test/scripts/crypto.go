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
		"createHmac": func(name string, key goja.Value) goja.Value {
			return digest(vm, hmac.New(hashOf(vm, name), buffer.DecodeBytes(vm, key, goja.Undefined())))
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
		"timingSafeEqual": func(a, b goja.Value) bool {
			x, y := buffer.Bytes(vm, a), buffer.Bytes(vm, b)
			if len(x) != len(y) {
				panic(vm.NewTypeError("Input buffers must have the same byte length"))
			}
			return subtle.ConstantTimeCompare(x, y) == 1
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
	_ = o.Set("update", func(data, encoding goja.Value) goja.Value {
		h.Write(buffer.DecodeBytes(vm, data, encoding))
		return o
	})
	_ = o.Set("digest", func(encoding goja.Value) goja.Value {
		if encoding == nil || goja.IsUndefined(encoding) {
			return buffer.WrapBytes(vm, h.Sum(nil))
		}
		return buffer.EncodeBytes(vm, h.Sum(nil), encoding)
	})
	return o
}
