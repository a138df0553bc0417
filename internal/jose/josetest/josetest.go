// Package josetest is an issuer of tokens for tests: it publishes keys and signs
// whatever it is told to, good and bad.
//
//	issuer := josetest.NewIssuer()
//	client := &http.Client{Transport: issuer} // its keys, at any URL
//	token := issuer.Token(josetest.Header("rs"), issuer.Claims("https://api.example.com"))
//
// It panics instead of returning errors, and is not for use outside of tests.
package josetest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	rsaKeys = sync.OnceValue(func() [3]*rsa.PrivateKey {
		var keys [3]*rsa.PrivateKey
		for i := range keys {
			keys[i] = must(rsa.GenerateKey(rand.Reader, 2048))
		}
		return keys
	})
	ecKey = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

// RSA returns the key number 0, 1 or 2 of this process.
func RSA(n int) *rsa.PrivateKey { return rsaKeys()[n] }

// EC returns the P-256 key of this process.
func EC() *ecdsa.PrivateKey { return ecKey() }

// Issuer is an http.RoundTripper that answers every request with its keys. At
// first these are "rs" (RS256, RSA(0)) and "es" (ES256, EC()).
type Issuer struct {
	ID      string       // iss, "https://tenant.example.com/"
	Fetches atomic.Int64 // requests so far

	mu      sync.Mutex
	body    []byte
	status  int
	err     error
	latency time.Duration
	hold    <-chan struct{}
}

// NewIssuer makes one.
func NewIssuer() *Issuer {
	i := &Issuer{ID: "https://tenant.example.com/", status: http.StatusOK}
	i.Publish(RSAKey("rs", &RSA(0).PublicKey), ECKey("es", &EC().PublicKey))
	return i
}

// Publish replaces the keys.
func (i *Issuer) Publish(keys ...map[string]any) {
	i.PublishRaw(must(json.Marshal(map[string]any{"keys": keys})))
}

// PublishRaw replaces the whole body.
func (i *Issuer) PublishRaw(body []byte) { i.set(func() { i.body = body }) }

// Answer sets the status, or, if err is not nil, how the transport fails.
func (i *Issuer) Answer(status int, err error) { i.set(func() { i.status, i.err = status, err }) }

// Delay sets how long an answer takes.
func (i *Issuer) Delay(d time.Duration) { i.set(func() { i.latency = d }) }

// Hold makes the next answer wait for the channel, with the keys of now.
func (i *Issuer) Hold(until <-chan struct{}) { i.set(func() { i.hold = until }) }

func (i *Issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// RoundTrip answers with the keys.
func (i *Issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.Fetches.Add(1)
	i.mu.Lock()
	latency := i.latency
	i.mu.Unlock()
	select {
	case <-time.After(latency):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	body, hold := i.body, i.hold
	if i.hold = nil; hold != nil {
		i.mu.Unlock()
		<-hold
		i.mu.Lock()
	}
	if i.err != nil {
		return nil, i.err
	}
	return &http.Response{
		StatusCode: i.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// Claims are those of a token that is good for an hour.
func (i *Issuer) Claims(audience string) map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": i.ID, "sub": "auth0|1", "aud": []string{audience, i.ID + "userinfo"}, "azp": "client",
		"iat": now, "exp": now + 3600, "scope": "openid profile",
	}
}

// Token signs with RSA(0). See Sign.
func (i *Issuer) Token(header, claims any) string { return Sign(RSA(0), header, claims) }

// Header is that of an RS256 token of Auth0.
func Header(kid string) map[string]any {
	return map[string]any{"alg": "RS256", "typ": "JWT", "kid": kid}
}

// With returns a copy of m with another value; nil removes the name.
func With(m map[string]any, name string, value any) map[string]any {
	m = maps.Clone(m)
	m[name] = value
	if value == nil {
		delete(m, name)
	}
	return m
}

// Sign signs any header and claims, RS256 with an RSA key and ES256 with an EC
// key, whatever the header says. Strings are taken as they are.
func Sign(key crypto.PrivateKey, header, claims any) string {
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		return SignAs("ES256", key, header, claims)
	}
	return SignAs("RS256", key, header, claims)
}

// SignAs signs with any algorithm that golang-jwt has.
func SignAs(alg string, key any, header, claims any) string {
	signed := Segment(header) + "." + Segment(claims)
	return signed + "." + Base64(must(jwt.GetSigningMethod(alg).Sign(signed, key)))
}

// Segment encodes one part of a token.
func Segment(v any) string {
	if s, ok := v.(string); ok {
		return Base64([]byte(s))
	}
	return Base64(must(json.Marshal(v)))
}

// Base64 is base64url without padding.
func Base64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// RSAKey is the JWK of a key for RS256.
func RSAKey(kid string, k *rsa.PublicKey) map[string]any {
	return map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
		"n": Base64(k.N.Bytes()), "e": Base64(big.NewInt(int64(k.E)).Bytes()),
	}
}

// ECKey is the JWK of a P-256 key for ES256.
func ECKey(kid string, k *ecdsa.PublicKey) map[string]any {
	point := must(k.Bytes())
	return map[string]any{
		"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": kid,
		"x": Base64(point[1:33]), "y": Base64(point[33:]),
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
