package webhook_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/webhook"
)

var (
	first  = []byte("0123456789abcdef0123456789abcdef")
	second = []byte("fedcba9876543210fedcba9876543210")
	now    = time.Unix(1_796_000_000, 0)
	body   = []byte(`{"a":1}`)
)

func ring(t testing.TB, keys ...[]byte) *webhook.Ring {
	r, err := webhook.New(keys)
	require.NoError(t, err)
	return r
}

// The secret, message and signature are the example of the specification's
// reference libraries.
func TestSpecification(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	require.NoError(t, err)
	h := http.Header{}
	ring(t, key).Sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	assert.Equal(t, "1614265330", h.Get(webhook.Timestamp))
	assert.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", h.Get(webhook.Signature))
	assert.Equal(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", webhook.Secret(key))
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][][]byte{
		"none": nil, "empty": {{}}, "nil": {nil}, "short": {first[:23]}, "long": {bytes.Repeat(first, 3)},
		"twice": {first, second, first}, "one byte": {make([]byte, 32)},
	} {
		_, err := webhook.New(keys)
		assert.ErrorContains(t, err, "keys", name)
		for _, k := range keys {
			if len(k) > 0 {
				assert.NotContains(t, err.Error(), string(k), name)
			}
		}
	}
	mine := bytes.Clone(first)
	r := ring(t, mine)
	clear(mine)
	h := http.Header{}
	r.Sign(h, "m", now, body)
	_, err := ring(t, first).Verify(h, body, now, time.Minute)
	assert.NoError(t, err, "the ring keeps copies")
}

func TestVerify(t *testing.T) {
	t.Parallel()
	r := ring(t, first)
	good := http.Header{}
	r.Sign(good, "m1", now, body)
	for name, c := range map[string]struct {
		change func(h http.Header)
		body   string
		at     time.Time
		want   error
	}{
		"as signed":       {want: nil},
		"old, in time":    {at: now.Add(time.Minute)},
		"ahead, in time":  {at: now.Add(-time.Minute)},
		"old":             {at: now.Add(61 * time.Second), want: webhook.ErrStale},
		"ahead":           {at: now.Add(-61 * time.Second), want: webhook.ErrStale},
		"other body":      {body: `{"a":2}`, want: webhook.ErrSignature},
		"other id":        {change: func(h http.Header) { h.Set(webhook.ID, "m2") }, want: webhook.ErrSignature},
		"no id":           {change: func(h http.Header) { h.Del(webhook.ID) }, want: webhook.ErrUnsigned},
		"empty id":        {change: func(h http.Header) { h.Set(webhook.ID, "") }, want: webhook.ErrUnsigned},
		"two ids":         {change: func(h http.Header) { h.Add(webhook.ID, "m1") }, want: webhook.ErrUnsigned},
		"long id":         {change: func(h http.Header) { h.Set(webhook.ID, strings.Repeat("m", 129)) }, want: webhook.ErrUnsigned},
		"id with a dot":   {change: func(h http.Header) { h.Set(webhook.ID, "m1.1") }, want: webhook.ErrUnsigned},
		"other time":      {change: func(h http.Header) { h.Set(webhook.Timestamp, "1796000001") }, want: webhook.ErrSignature},
		"time in words":   {change: func(h http.Header) { h.Set(webhook.Timestamp, "now") }, want: webhook.ErrUnsigned},
		"time of never":   {change: func(h http.Header) { h.Set(webhook.Timestamp, "-1") }, want: webhook.ErrUnsigned},
		"time overflows":  {change: func(h http.Header) { h.Set(webhook.Timestamp, "9223372036854775807") }, want: webhook.ErrUnsigned},
		"no signature":    {change: func(h http.Header) { h.Del(webhook.Signature) }, want: webhook.ErrUnsigned},
		"empty signature": {change: func(h http.Header) { h.Set(webhook.Signature, "") }, want: webhook.ErrSignature},
		"version only":    {change: func(h http.Header) { h.Set(webhook.Signature, "v1,") }, want: webhook.ErrSignature},
		"other version": {change: func(h http.Header) {
			h.Set(webhook.Signature, strings.Replace(h.Get(webhook.Signature), "v1,", "v2,", 1))
		}, want: webhook.ErrSignature},
		"beside others": {change: func(h http.Header) { h.Set(webhook.Signature, "v1a,xxxx v1,AAAA "+h.Get(webhook.Signature)) }},
	} {
		h := good.Clone()
		if c.change != nil {
			c.change(h)
		}
		if c.body == "" {
			c.body = string(body)
		}
		if c.at.IsZero() {
			c.at = now
		}
		m, err := r.Verify(h, []byte(c.body), c.at, time.Minute)
		assert.ErrorIs(t, err, c.want, name)
		if err == nil {
			assert.Equal(t, "m1", m.ID, name)
			assert.False(t, m.Until.Before(now.Add(time.Minute)), "%s: forgotten before it is stale", name)
		}
	}
	_, err := ring(t, second).Verify(good, body, now, time.Minute)
	assert.ErrorIs(t, err, webhook.ErrSignature)
}

// While keys change, each side knows one of the other's.
func TestRotation(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	ring(t, second, first).Sign(h, "m", now, body)
	for _, k := range [][]byte{first, second} {
		_, err := ring(t, k).Verify(h, body, now, time.Minute)
		assert.NoError(t, err)
	}
	asked := http.Header{}
	ring(t, first).Sign(asked, "m", now, body)
	m, err := ring(t, second, first).Verify(asked, body, now, time.Minute)
	require.NoError(t, err)
	answer := http.Header{}
	m.Answer(answer, now, body)
	_, err = ring(t, first).Verify(answer, body, now, time.Minute)
	assert.NoError(t, err, "the answer is signed with the key that the sender knows")
	assert.Equal(t, "re_m", answer.Get(webhook.ID))
}

func ExampleRing_Sign() {
	r, err := webhook.New([][]byte{first})
	if err != nil {
		panic(err)
	}
	h := http.Header{}
	r.Sign(h, "msg_1", now, []byte("hello"))
	m, err := r.Verify(h, []byte("hello"), now, time.Minute)
	fmt.Println(m.ID, err)
	_, err = r.Verify(h, []byte("goodbye"), now, time.Minute)
	fmt.Println(err)
	// Output:
	// msg_1 <nil>
	// webhook: no key of the ring has signed this message
}

func FuzzVerify(f *testing.F) {
	r := ring(f, first)
	h := http.Header{}
	r.Sign(h, "m", now, body)
	f.Add("m", strconv.FormatInt(now.Unix(), 10), h.Get(webhook.Signature), string(body))
	f.Add("", "", "v1,", "")
	f.Fuzz(func(t *testing.T, id, stamp, signature, text string) {
		given := http.Header{webhook.ID: {id}, webhook.Timestamp: {stamp}, webhook.Signature: {signature}}
		m, err := r.Verify(given, []byte(text), now, time.Minute)
		if err != nil {
			return
		}
		again := http.Header{}
		r.Sign(again, m.ID, m.At, []byte(text))
		_, err = r.Verify(again, []byte(text), now, time.Minute)
		require.NoError(t, err)
		require.True(t, id == "m" && text == string(body), "accepted what nobody signed")
	})
}

// Each signature costs a comparison, and a request has room for many: only a few
// are looked at.
func TestManySignatures(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	r := ring(t, first)
	r.Sign(h, "m", now, body)
	good := h.Get(webhook.Signature)
	h.Set(webhook.Signature, strings.Repeat("v1,AAAA ", 15)+good)
	_, err := r.Verify(h, body, now, time.Minute)
	require.NoError(t, err)
	h.Set(webhook.Signature, strings.Repeat("v1, ", 100_000)+good)
	_, err = r.Verify(h, make([]byte, 1<<10), now, time.Minute)
	require.ErrorIs(t, err, webhook.ErrUnsigned)
}
