package auth0test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"sync"
	"time"
)

// primes are the primes of this process. Every key of every tenant is the
// product of a pair of them of its own, so that a few primes, whose search takes
// most of the time, make keys for hundreds of tenants. Keys that share a prime
// are worth nothing outside of tests.
var primes struct {
	mu   sync.Mutex
	list []*big.Int
	next int // Number of the next pair.
}

// newRSAKey returns a key of 2048 bits that no other tenant has.
func newRSAKey() *rsa.PrivateKey {
	primes.mu.Lock()
	defer primes.mu.Unlock()
	i, j := pair(primes.next)
	primes.next++
	for len(primes.list) <= j {
		primes.list = append(primes.list, newPrime())
	}
	return keyOf(primes.list[i], primes.list[j])
}

// pair counts the pairs: 0 1, 0 2, 1 2, 0 3, …
func pair(n int) (i, j int) {
	for j = 1; n >= j; j++ {
		n -= j
	}
	return n, j
}

const publicExponent = 65537

// newPrime returns a prime of 1024 bits whose two highest bits are set, so that
// a product has 2048.
func newPrime() *big.Int {
	for {
		p, err := rand.Prime(rand.Reader, 1024)
		if err != nil {
			panic(err) // The system has no randomness.
		}
		less := new(big.Int).Sub(p, big.NewInt(1))
		if less.Mod(less, big.NewInt(publicExponent)).Sign() != 0 {
			return p
		}
	}
}

func keyOf(p, q *big.Int) *rsa.PrivateKey {
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: publicExponent},
		D:         new(big.Int).ModInverse(big.NewInt(publicExponent), phi),
		Primes:    []*big.Int{p, q},
	}
	k.Precompute()
	return k
}

// signingKey is a key of a tenant; what is slow about it is made when needed.
type signingKey struct {
	kid       string
	at        time.Time // When it became the current one.
	revokedAt time.Time

	private     func() *rsa.PrivateKey
	certificate func() []byte // DER, self-signed.
}

func newSigningKey(domain string, now time.Time) *signingKey {
	k := &signingKey{kid: randomID(21), private: sync.OnceValue(newRSAKey)}
	k.certificate = sync.OnceValue(func() []byte { return selfSigned(k.private(), domain, now) })
	return k
}

// selfSigned returns the certificate under which Auth0 publishes a key.
func selfSigned(key *rsa.PrivateKey, domain string, now time.Time) []byte {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixMilli()), Subject: pkix.Name{CommonName: domain},
		NotBefore: now, NotAfter: now.AddDate(13, 8, 0), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		panic(err) // The template above is wrong.
	}
	return der
}

// jwk is the key as /.well-known/jwks.json shows it.
func (k *signingKey) jwk() map[string]any {
	public, der := k.private().PublicKey, k.certificate()
	thumb := sha1.Sum(der)
	return map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": k.kid,
		"n":   base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
		"e":   base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
		"x5t": base64.RawURLEncoding.EncodeToString(thumb[:]),
		"x5c": []string{base64.StdEncoding.EncodeToString(der)},
	}
}

// keyring holds the signing keys of a tenant: the current one, the next, and
// earlier ones with the latest first.
type keyring struct {
	mu            sync.Mutex
	domain        string
	current, next *signingKey
	previous      []*signingKey
}

func (k *keyring) start(domain string, now time.Time) {
	k.domain = domain
	k.current, k.next = newSigningKey(domain, now), newSigningKey(domain, now)
	k.current.at = now
}

// rotate makes the next key the current one and returns it.
func (k *keyring) rotate(now time.Time) *signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.previous = append([]*signingKey{k.current}, k.previous...)
	k.current, k.next = k.next, newSigningKey(k.domain, now)
	k.current.at = now
	return k.current
}

// revoke ends a previous key, or the current one, which the next then replaces;
// nil when there is no such key.
func (k *keyring) revoke(kid string, now time.Time) *signingKey {
	if k.signer().kid == kid {
		k.rotate(now)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.previous {
		if key.kid == kid {
			if key.revokedAt.IsZero() {
				key.revokedAt = now
			}
			return key
		}
	}
	return nil
}

// RotateKeys makes the next signing key the current one. Tokens of the previous
// key stay valid until it is revoked.
func (t *Tenant) RotateKeys() { t.keys.rotate(t.now()) }

// RevokeKeys revokes the keys before the current one: they leave the JWKS, and
// the tenant refuses their tokens.
func (t *Tenant) RevokeKeys() {
	t.keys.mu.Lock()
	defer t.keys.mu.Unlock()
	for _, key := range t.keys.previous {
		if key.revokedAt.IsZero() {
			key.revokedAt = t.now()
		}
	}
}

func (k *keyring) signer() *signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}

// published returns the keys that are not revoked: current, next, earlier ones.
func (k *keyring) published() []*signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := []*signingKey{k.current, k.next}
	for _, key := range k.previous {
		if key.revokedAt.IsZero() {
			out = append(out, key)
		}
	}
	return out
}

// find returns a published key, or nil.
func (k *keyring) find(kid string) *signingKey {
	for _, key := range k.published() {
		if key.kid == kid {
			return key
		}
	}
	return nil
}
