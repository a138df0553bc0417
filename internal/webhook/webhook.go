// Package webhook signs and verifies messages as Standard Webhooks 1.0 describes
// (https://github.com/standard-webhooks/standard-webhooks): HMAC-SHA256 over
// "id.timestamp.body" in the headers Webhook-Id, Webhook-Timestamp and
// Webhook-Signature.
//
// It guards against forgery and stale messages. Whoever must not act twice on one
// message also remembers its id until Message.Until.
package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The headers of a message.
const (
	ID        = "Webhook-Id"
	Timestamp = "Webhook-Timestamp" // Seconds since 1970.
	Signature = "Webhook-Signature" // "v1,<base64>", several with spaces between.
)

// MinKey and MaxKey bound the length of a key in bytes, by the specification.
const (
	MinKey = 24
	MaxKey = 64
)

// Bounds of what the specification leaves open: the length of an id, and how many
// signatures a message has, each of which costs whoever verifies it.
const (
	maxID         = 128
	maxSignatures = 16
)

// The reasons why a message is refused. Which of them it was helps an operator
// and must not be told to the sender.
var (
	ErrUnsigned  = errors.New("webhook: the headers of a signed message are missing or malformed")
	ErrStale     = errors.New("webhook: the timestamp is too old, or lies in the future")
	ErrSignature = errors.New("webhook: no key of the ring has signed this message")
)

// Ring signs and verifies under a list of keys, so that keys can be changed
// without an interruption. It is immutable and safe for concurrent use.
type Ring struct{ keys [][]byte }

// New returns a Ring. At least one key is needed; an empty key would verify what
// anybody signs.
func New(keys [][]byte) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("webhook: keys is empty; give at least one of 32 random bytes")
	}
	r := &Ring{}
	for i, k := range keys {
		switch {
		case len(k) < MinKey || len(k) > MaxKey:
			return nil, fmt.Errorf("webhook: keys[%d] has %d bytes; %d to %d are allowed", i, len(k), MinKey, MaxKey)
		case slices.ContainsFunc(r.keys, func(other []byte) bool { return bytes.Equal(k, other) }):
			return nil, fmt.Errorf("webhook: keys[%d] is there twice", i)
		case !slices.ContainsFunc(k, func(b byte) bool { return b != k[0] }):
			return nil, fmt.Errorf("webhook: keys[%d] is one byte repeated; give 32 random bytes", i)
		}
		r.keys = append(r.keys, bytes.Clone(k))
	}
	return r, nil
}

// Secret returns a key in the form in which Standard Webhooks hands it over.
func Secret(key []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(key) }

// Sign sets the three headers. It signs with every key, as the specification has
// it for rotation: a receiver that knows any of them accepts the message.
func (r *Ring) Sign(h http.Header, id string, now time.Time, body []byte) {
	r.sign(h, id, now, body, r.keys...)
}

func (r *Ring) sign(h http.Header, id string, now time.Time, body []byte, keys ...[]byte) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac(k, id, stamp, body))
	}
	h.Set(ID, id)
	h.Set(Timestamp, stamp)
	h.Set(Signature, strings.Join(all, " "))
}

// Message is what Verify has found out about a message.
type Message struct {
	ID    string
	At    time.Time
	Until time.Time // From then on the message is stale: keep the id until then.

	ring *Ring
	key  []byte
}

// Verify checks the headers of a message against its body. Its timestamp may be
// off by tolerance in both directions.
func (r *Ring) Verify(h http.Header, body []byte, now time.Time, tolerance time.Duration) (Message, error) {
	m := Message{ring: r}
	for _, name := range []string{ID, Timestamp, Signature} {
		if len(h.Values(name)) != 1 {
			return m, ErrUnsigned
		}
	}
	id, stamp := h.Get(ID), h.Get(Timestamp)
	signatures := strings.SplitN(h.Get(Signature), " ", maxSignatures+1)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 || id == "" || len(id) > maxID || strings.Contains(id, ".") || len(signatures) > maxSignatures {
		return m, ErrUnsigned
	}
	for _, k := range r.keys {
		want := mac(k, id, stamp, body)
		for _, given := range signatures {
			version, text, _ := strings.Cut(given, ",")
			sum, err := base64.StdEncoding.DecodeString(text)
			if version == "v1" && err == nil && hmac.Equal(sum, want) { // Other versions may stand beside ours.
				m.key = k
			}
		}
	}
	if m.key == nil {
		return m, ErrSignature
	}
	m.ID, m.At = id, time.Unix(seconds, 0).UTC()
	m.Until = m.At.Add(tolerance + time.Second) // Stamps are cut to the second.
	if age := now.Sub(m.At); age < -tolerance || age > tolerance {
		return m, ErrStale
	}
	return m, nil
}

// Answer signs an answer to the message, with the key that signed the message. Its
// id is ReplyID of the message's, so that it answers nothing else.
func (m Message) Answer(h http.Header, now time.Time, body []byte) {
	m.ring.sign(h, ReplyID(m.ID), now, body, m.key)
}

// ReplyID is the id of the answer to a message.
func ReplyID(id string) string { return "re_" + id }

func mac(key []byte, id, stamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + stamp + "."))
	h.Write(body)
	return h.Sum(nil)
}
