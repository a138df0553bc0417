package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"time"
)

// assertionTTL is short because an assertion is used at once. Auth0 allows five
// minutes at most.
const assertionTTL = time.Minute

// Algorithm is the JWS algorithm (RFC 7518 section 3.1) that key signs with:
// RS256 for an RSA key of at least 2048 bits, ES256 for one on P-256. Others,
// such as Ed25519, are refused: Auth0 does not take them.
func Algorithm(key crypto.Signer) (string, error) {
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < 2048 {
			return "", errors.New("an RSA key must have at least 2048 bits")
		}
		return "RS256", nil
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return "", errors.New("an ECDSA key must be on P-256")
		}
		return "ES256", nil
	}
	return "", errors.New("the key must be RSA or ECDSA on P-256")
}

// Assertion is the JWT of RFC 7523 section 2.2 with which an application proves
// itself to the token endpoint of issuer (with its slash at the end). It is good
// for one request within a minute of now.
func Assertion(key crypto.Signer, clientID, issuer string, now time.Time) (string, error) {
	alg, err := Algorithm(key)
	if err != nil {
		return "", err
	}
	header, err := json.Marshal(map[string]string{"alg": alg, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": clientID, "sub": clientID, "aud": issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionTTL).Unix(),
	})
	if err != nil {
		return "", err
	}
	input := encode(header) + "." + encode(claims)
	digest := sha256.Sum256([]byte(input))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", errors.New("the key did not sign")
	}
	if alg == "ES256" {
		if signature, err = fixedWidth(signature); err != nil {
			return "", err
		}
	}
	return input + "." + encode(signature), nil
}

// fixedWidth turns the ASN.1 of crypto.Signer into the r || s of RFC 7518
// section 3.4.
func fixedWidth(der []byte) ([]byte, error) {
	var point struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &point); err != nil || point.R.Sign() <= 0 || point.S.Sign() <= 0 ||
		point.R.BitLen() > 256 || point.S.BitLen() > 256 {
		return nil, errors.New("the key's signature is not ECDSA in ASN.1")
	}
	out := make([]byte, 64)
	point.R.FillBytes(out[:32])
	point.S.FillBytes(out[32:])
	return out, nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
