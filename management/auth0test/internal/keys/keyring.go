package keys

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
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

// NewRSAKey returns a key of 2048 bits that no other tenant has.
func NewRSAKey() *rsa.PrivateKey {
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

// SigningKey is a key of a tenant; what is slow about it is made when needed.
type SigningKey struct {
	Kid       string
	At        time.Time // When it became the current one.
	RevokedAt time.Time

	private     func() *rsa.PrivateKey
	Certificate func() []byte // DER, self-signed.
}

func newSigningKey(domain string, now time.Time) *SigningKey {
	k := &SigningKey{Kid: store.RandomID(21), private: sync.OnceValue(NewRSAKey)}
	k.Certificate = sync.OnceValue(func() []byte { return selfSigned(k.private(), domain, now) })
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

// JWK is the key as /.well-known/jwks.json shows it.
func (k *SigningKey) JWK() map[string]any {
	public, der := k.private().PublicKey, k.Certificate()
	thumb := sha1.Sum(der)
	return map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": k.Kid,
		"n":   base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
		"e":   base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
		"x5t": base64.RawURLEncoding.EncodeToString(thumb[:]),
		"x5c": []string{base64.StdEncoding.EncodeToString(der)},
	}
}

// Keyring holds the signing keys of a tenant: the current one, the next, and
// earlier ones with the latest first.
type Keyring struct {
	Mu            sync.Mutex
	domain        string
	Current, Next *SigningKey
	Previous      []*SigningKey
}

func (k *Keyring) Start(domain string, now time.Time) {
	k.domain = domain
	k.Current, k.Next = newSigningKey(domain, now), newSigningKey(domain, now)
	k.Current.At = now
}

// Rotate makes the next key the current one and returns it.
func (k *Keyring) Rotate(now time.Time) *SigningKey {
	k.Mu.Lock()
	defer k.Mu.Unlock()
	k.Previous = append([]*SigningKey{k.Current}, k.Previous...)
	k.Current, k.Next = k.Next, newSigningKey(k.domain, now)
	k.Current.At = now
	return k.Current
}

// Revoke ends a previous key, or the current one, which the next then replaces;
// nil when there is no such key.
func (k *Keyring) Revoke(kid string, now time.Time) *SigningKey {
	if k.Signer().Kid == kid {
		k.Rotate(now)
	}
	k.Mu.Lock()
	defer k.Mu.Unlock()
	for _, key := range k.Previous {
		if key.Kid == kid {
			if key.RevokedAt.IsZero() {
				key.RevokedAt = now
			}
			return key
		}
	}
	return nil
}

// RevokePrevious revokes the keys before the current one.
func (k *Keyring) RevokePrevious(now time.Time) {
	k.Mu.Lock()
	defer k.Mu.Unlock()
	for _, key := range k.Previous {
		if key.RevokedAt.IsZero() {
			key.RevokedAt = now
		}
	}
}

func (k *Keyring) Signer() *SigningKey {
	k.Mu.Lock()
	defer k.Mu.Unlock()
	return k.Current
}

// Published returns the keys that are not revoked: current, next, earlier ones.
func (k *Keyring) Published() []*SigningKey {
	k.Mu.Lock()
	defer k.Mu.Unlock()
	out := []*SigningKey{k.Current, k.Next}
	for _, key := range k.Previous {
		if key.RevokedAt.IsZero() {
			out = append(out, key)
		}
	}
	return out
}

// Find returns a published key, or nil.
func (k *Keyring) Find(kid string) *SigningKey {
	for _, key := range k.Published() {
		if key.Kid == kid {
			return key
		}
	}
	return nil
}

// PEM is the certificate of the key.
func (k *SigningKey) PEM() string { return block("CERTIFICATE", k.Certificate()) }

// PublicPEM is a public key as PEM.
func PublicPEM(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err) // It is an RSA key.
	}
	return block("PUBLIC KEY", der)
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// Described is a key as the Management API shows any: with its certificate and
// the certificate's digests.
func (k *SigningKey) Described() map[string]any {
	der := k.Certificate()
	sum := sha1.Sum(der)
	thumb := strings.ToUpper(hex.EncodeToString(sum[:]))
	var pairs []string
	for pair := range slices.Chunk([]byte(thumb), 2) {
		pairs = append(pairs, string(pair))
	}
	return map[string]any{
		"kid": k.Kid, "cert": k.PEM(),
		"pkcs7":       block("PKCS7", pkcs7(der)),
		"fingerprint": strings.Join(pairs, ":"), "thumbprint": thumb,
	}
}

// pkcs7 wraps a certificate in a SignedData without signers (RFC 2315, 9.1).
func pkcs7(certificate []byte) []byte {
	type contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"optional"`
	}
	set := asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true}
	inner, err := asn1.Marshal(struct {
		Version      int
		Algorithms   asn1.RawValue
		Content      contentInfo
		Certificates asn1.RawValue
		Signers      asn1.RawValue
	}{1, set, contentInfo{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: certificate}, set})
	if err != nil {
		panic(err) // Nothing above depends on input.
	}
	der, err := asn1.Marshal(contentInfo{
		Type:    asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2},
		Content: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner},
	})
	if err != nil {
		panic(err)
	}
	return der
}
