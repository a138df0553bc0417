package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ProofType is the typ of a DPoP proof (RFC 9449 section 4.2).
const ProofType = "dpop+jwt"

const (
	proofAge    = 5 * time.Minute
	maxProofID  = 256
	wrongURL    = "jose: the URL of a DPoP proof must be absolute, with http or https"
	wrongDPoPEC = "jose: a DPoP proof is signed with a P-256 key"
)

// ProofRequest is the request that a DPoP proof is made for.
type ProofRequest struct {
	Method      string // As in the request line: "POST".
	URL         string // Absolute. Query and fragment are left out of the proof.
	AccessToken string // The token that is sent along (ath); empty at a token endpoint.
	Nonce       string // What the server's last DPoP-Nonce header said.
}

// NewProof makes a DPoP proof (RFC 9449 section 4.2), signed by ES256 with the
// P-256 key. It is for one request only.
func NewProof(key *ecdsa.PrivateKey, r ProofRequest, now time.Time) (string, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return "", errors.New(wrongDPoPEC)
	}
	target, ok := proofURL(r.URL)
	if !ok || r.Method == "" {
		return "", errors.New(wrongURL)
	}
	public, err := publicJWK(&key.PublicKey)
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{"jti": rand.Text(), "htm": r.Method, "htu": target, "iat": now.Unix()}
	if r.Nonce != "" {
		claims["nonce"] = r.Nonce
	}
	if r.AccessToken != "" {
		claims["ath"] = hashed(r.AccessToken)
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	t.Header["typ"], t.Header["jwk"] = ProofType, json.RawMessage(public)
	return t.SignedString(key)
}

// Proof is what a good DPoP proof says. That it is used once, and that its nonce
// is one of the server's, is for the caller to see; so is that Thumbprint is the
// jkt which the access token is bound to.
type Proof struct {
	Thumbprint string // Of the key (RFC 7638), as in cnf.jkt.
	ID         string // jti: 1 to 256 bytes.
	Nonce      string // Empty when the proof has none.
	IssuedAt   time.Time
}

// ProofPolicy says which DPoP proofs are taken. The zero value takes ES256, and
// proofs of the last 5 minutes.
type ProofPolicy struct {
	Algorithms []string      // Defaults to ES256 alone. What Policy.Algorithms knows is known.
	MaxAge     time.Duration // How old a proof may be. Defaults to 5 min.
	Leeway     time.Duration // How far in the future it may be. Defaults to 30 s, negative means none.
	Now        func() time.Time
}

// Check returns what the proof says if it is one for the request, or an *Error.
// With an access token the proof must carry its hash; without one it must not.
// r.Nonce is not looked at: a server may take several, so see Proof.Nonce.
func (p ProofPolicy) Check(raw string, r ProofRequest) (*Proof, error) {
	signed, parts, err := split(raw)
	if err != nil {
		return nil, err
	}
	alg, key, thumbprint, err := p.header(parts[0])
	if err != nil {
		return nil, err
	}
	if err := methods[alg].Verify(signed, parts[2], key); err != nil {
		return nil, refuse(BadSig)
	}
	claims, err := parseObject(parts[1], maxMembers)
	if err != nil {
		return nil, refuse(Malformed)
	}
	proof := &Proof{Thumbprint: thumbprint}
	if err := p.claims(claims, r, proof); err != nil {
		return nil, err
	}
	return proof, nil
}

// header reads the key that the proof brings. That is allowed here and nowhere
// else, since the key is compared with what the access token is bound to.
func (p ProofPolicy) header(text []byte) (alg string, key crypto.PublicKey, thumbprint string, err error) {
	o, err := parseObject(text, maxHeader)
	if err != nil {
		return "", nil, "", refuse(Malformed)
	}
	if o.strict() != nil || slices.ContainsFunc(forbidden, func(name string) bool { _, ok := o.get(name); return ok && name != "jwk" }) {
		return "", nil, "", refuse(BadHeader)
	}
	if _, ok := (&Verifier{p: Policy{Types: []string{ProofType}}}).typ(o); !ok {
		return "", nil, "", refuse(BadType)
	}
	allowed := p.Algorithms
	if len(allowed) == 0 {
		allowed = []string{"ES256"}
	}
	if alg = o.oneOf("alg", allowed); methods[alg] == nil {
		return "", nil, "", refuse(BadAlg)
	}
	value, _ := o.get("jwk")
	key, canonical, err := parseProofKey(value, alg)
	if err != nil {
		return "", nil, "", refuse(BadHeader)
	}
	return alg, key, hashed(canonical), nil
}

// parseProofKey reads a public key of exactly the form that RFC 7518 wants, so
// that its thumbprint is the same for everybody. A private key is refused.
func parseProofKey(text []byte, alg string) (crypto.PublicKey, string, error) {
	o, err := parseObject(text, maxHeader)
	if err != nil || o.strict() != nil {
		return nil, "", errKey
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, ok := o.get(private); ok {
			return nil, "", errKey
		}
	}
	var k jwk
	for name, to := range map[string]*string{"kty": &k.Kty, "crv": &k.Crv, "x": &k.X, "y": &k.Y, "n": &k.N, "e": &k.E, "use": &k.Use, "alg": &k.Alg} {
		if *to, err = o.text(name); err != nil {
			return nil, "", errKey
		}
	}
	if k.Use != "" && k.Use != "sig" || k.Alg != "" && k.Alg != alg {
		return nil, "", errKey
	}
	public, algs, err := k.public()
	if err != nil || !slices.Contains(algs, alg) {
		return nil, "", errKey
	}
	canonical, err := publicJWK(public)
	if err != nil || k.Kty == "RSA" && canonical != rsaJWK(k.E, k.N) { // leading zeros
		return nil, "", errKey
	}
	return public, canonical, nil
}

func (p ProofPolicy) claims(o object, r ProofRequest, proof *Proof) error {
	if o.strict() != nil {
		return refuse(BadClaims)
	}
	var errs [5]error
	var method, target, ath string
	proof.ID, errs[0] = o.text("jti")
	method, errs[1] = o.text("htm")
	target, errs[2] = o.text("htu")
	ath, errs[3] = o.text("ath")
	proof.Nonce, errs[4] = o.text("nonce")
	issued, err := o.time("iat")
	if err := errors.Join(append(errs[:], err)...); err != nil || proof.ID == "" || len(proof.ID) > maxProofID || issued.IsZero() {
		return refuse(BadClaims)
	}
	proof.IssuedAt = issued
	got, ok := proofURL(target)
	want, known := proofURL(r.URL)
	if !ok || !known || got != want || method != r.Method || method == "" {
		return refuse(WrongRequest)
	}
	switch _, has := o.get("ath"); {
	case has != (r.AccessToken != ""), has && ath != hashed(r.AccessToken):
		return refuse(WrongToken)
	}
	return p.times(issued)
}

func (p ProofPolicy) times(issued time.Time) error {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	age, leeway := p.MaxAge, p.Leeway
	if age <= 0 {
		age = proofAge
	}
	if leeway == 0 {
		leeway = defaultLeeway
	}
	switch t := now(); {
	case !t.Before(issued.Add(age)):
		return refuse(Expired)
	case issued.After(t.Add(max(leeway, 0))):
		return refuse(NotYet)
	}
	return nil
}

// Thumbprint returns what identifies a public key (RFC 7638, SHA-256): the jkt
// of the tokens that are bound to it. RSA keys and P-256, P-384 and P-521 keys
// have one.
func Thumbprint(public crypto.PublicKey) (string, error) {
	text, err := publicJWK(public)
	return hashed(text), err
}

// publicJWK writes the members that RFC 7638 section 3.2 wants, in its order.
func publicJWK(public crypto.PublicKey) (string, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		e := big.NewInt(int64(k.E)).Bytes()
		return rsaJWK(encoding.EncodeToString(e), encoding.EncodeToString(k.N.Bytes())), nil
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			return "", errKey
		}
		x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
		return `{"crv":"` + k.Params().Name + `","kty":"EC","x":"` + encoding.EncodeToString(x) + `","y":"` + encoding.EncodeToString(y) + `"}`, nil
	}
	return "", errKey
}

func rsaJWK(e, n string) string { return `{"e":"` + e + `","kty":"RSA","n":"` + n + `"}` }

// proofURL returns an htu as RFC 9449 section 4.3 compares it: without query and
// fragment, scheme and host in lower case, no default port, and a path.
func proofURL(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if scheme != "http" && scheme != "https" || host == "" {
		return "", false
	}
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		port = ""
	}
	if port != "" {
		host = net.JoinHostPort(host, port)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path, true
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return encoding.EncodeToString(sum[:])
}
