package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
)

// Key is one published key that may verify signatures.
type Key struct {
	ID     string
	Alg    string // The only algorithm it is for.
	Public crypto.PublicKey
}

const (
	minRSABits = 2048 // RFC 7518 section 3.3
	maxRSABits = 8192 // verification is quadratic: a bound on what one signature may cost
)

var errKey = errors.New("jose: not a usable signing key")

// jwk is RFC 7517 section 4 and RFC 7518 section 6, as far as it is needed.
type jwk struct {
	Kty    string   `json:"kty"`
	Use    string   `json:"use"`
	KeyOps []string `json:"key_ops"`
	Alg    string   `json:"alg"`
	Kid    string   `json:"kid"`
	N      string   `json:"n"`
	E      string   `json:"e"`
	Crv    string   `json:"crv"`
	X      string   `json:"x"`
	Y      string   `json:"y"`
}

// parseKeys returns the keys of a JWK set that can verify signatures. Others are
// left out, as RFC 7517 section 5 wants it; none left is an error.
func parseKeys(body []byte) ([]*Key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, errors.New("the answer is not a JWK set")
	}
	var keys []*Key
	for _, raw := range set.Keys {
		parsed, err := parseKey(raw)
		if err != nil {
			continue
		}
		keys = append(keys, parsed...)
	}
	keys = unambiguous(keys)
	if len(keys) == 0 {
		return nil, errors.New("the JWK set has no usable signing key")
	}
	return keys, nil
}

// parseKey returns one Key for each algorithm that the JWK can be used with:
// one, or, where an RSA key does not say, each of its family. A key is thus
// never used with an algorithm that its owner did not mean.
func parseKey(raw []byte) ([]*Key, error) {
	var k jwk
	if err := json.Unmarshal(raw, &k); err != nil || k.Kid == "" {
		return nil, errKey
	}
	if k.Use != "" && k.Use != "sig" || k.KeyOps != nil && !slices.Contains(k.KeyOps, "verify") {
		return nil, errKey
	}
	public, algs, err := k.public()
	if err != nil {
		return nil, err
	}
	var keys []*Key
	for _, alg := range algs {
		if k.Alg == "" || k.Alg == alg {
			keys = append(keys, &Key{ID: strings.Clone(k.Kid), Alg: alg, Public: public})
		}
	}
	return keys, nil
}

func (k *jwk) public() (crypto.PublicKey, []string, error) {
	switch k.Kty {
	case "RSA":
		public, err := k.rsa()
		return public, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, err
	case "EC":
		return k.ec()
	}
	return nil, nil, errKey
}

func (k *jwk) rsa() (crypto.PublicKey, error) {
	n, errN := encoding.DecodeString(k.N)
	e, errE := encoding.DecodeString(k.E)
	if errN != nil || errE != nil || len(e) == 0 || len(e) > 4 {
		return nil, errKey
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e).Int64()
	if bits := modulus.BitLen(); bits < minRSABits || bits > maxRSABits || modulus.Bit(0) == 0 {
		return nil, errKey
	}
	if exponent < 3 || exponent > 1<<31-1 || exponent%2 == 0 {
		return nil, errKey
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent)}, nil
}

func (k *jwk) ec() (crypto.PublicKey, []string, error) {
	var curve elliptic.Curve
	var alg string
	switch k.Crv {
	case "P-256":
		curve, alg = elliptic.P256(), "ES256"
	case "P-384":
		curve, alg = elliptic.P384(), "ES384"
	case "P-521":
		curve, alg = elliptic.P521(), "ES512"
	default:
		return nil, nil, errKey
	}
	x, errX := encoding.DecodeString(k.X)
	y, errY := encoding.DecodeString(k.Y)
	size := (curve.Params().BitSize + 7) / 8
	if errX != nil || errY != nil || len(x) != size || len(y) != size {
		return nil, nil, errKey
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, nil, errKey
	}
	return public, []string{alg}, nil
}

// unambiguous drops keys that share id and algorithm: which of them signed
// cannot be told.
func unambiguous(keys []*Key) []*Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k *Key) bool {
		n := 0
		for _, other := range keys {
			if other.ID == k.ID && other.Alg == k.Alg {
				n++
			}
		}
		return n > 1
	})
}

// equal reports whether k and other are the same key in two answers.
func (k *Key) equal(other *Key) bool {
	public, ok := k.Public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.ID == other.ID && k.Alg == other.Alg && public.Equal(other.Public)
}
