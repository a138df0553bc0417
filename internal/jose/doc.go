// Package jose verifies JSON Web Tokens strictly and keeps the keys of their
// issuers.
//
// A [KeySet] holds what an issuer publishes; a [Verifier] checks tokens of one
// kind against one [Policy]:
//
//	keys, err := jose.NewKeySet("https://tenant.eu.auth0.com/.well-known/jwks.json", jose.KeySetConfig{})
//	…
//	v, err := jose.NewVerifier(jose.Policy{
//		Issuers:  []jose.Issuer{{ID: "https://tenant.eu.auth0.com/", Keys: keys}},
//		Audience: clientID,
//		Types:    []string{"logout+jwt"},
//	})
//	…
//	token, err := v.Verify(ctx, raw)
//	switch {
//	case errors.Is(err, jose.ErrUnavailable): // 503: nobody can say today
//	case err != nil:                          // refused; (*Error).Reason is for the metrics
//	}
//
// Signatures are checked by golang-jwt. Parsing is done here, because
// encoding/json matches names without regard to case and takes the last of two,
// and encoding/base64 skips line breaks: each has turned one token into another
// in some verifier.
//
// # What is refused
//
// The order is length, alphabet, header, issuer, key, signature, claims: nothing
// is believed before the signature is, and a token that is both expired and
// forged is reported as forged. Refused are tokens over 16 kB; any byte outside
// the base64url alphabet, and a last character with stray bits; a name that is
// there twice, also in another case; crit, b64, zip, enc, and key material in
// the header; an algorithm that is not listed, a key that is meant for another
// algorithm or use, an RSA key under 2048 bits; a token without exp, or one with
// a cnf claim, unless Policy.Bound takes those of RFC 9449.
//
// # DPoP
//
// [NewProof] makes the proofs of RFC 9449, and [ProofPolicy] checks them. That a
// proof is used once, which nonces are taken, and that the access token is bound
// to the proof's key is for the caller.
package jose
