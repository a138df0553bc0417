package tenancy

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/seal"
)

const (
	proofAge   = 5 * time.Minute  // how old a proof may be, without nonces
	nonceAge   = 5 * time.Minute  // how long a nonce is good
	nonceRenew = 2 * time.Minute  // age at which a client is given the next one
	proofSkew  = 30 * time.Second // how far in the future a proof may be

	spendTimeout = 2 * time.Second // a request waits for it
)

// proofAlgorithms are those of the metadata too.
var proofAlgorithms = []string{"ES256", "RS256", "PS256"}

// proofs checks DPoP proofs. Its zero value takes none.
type proofs struct {
	mode   DPoPMode
	policy jose.ProofPolicy
	nonces *seal.Ring // nil: no nonces
	replay Replay
	now    func() time.Time
}

func newProofs(cfg GuardConfig, now func() time.Time) (proofs, error) {
	p := proofs{mode: cfg.DPoP, replay: cfg.Replay, now: now,
		policy: jose.ProofPolicy{Algorithms: proofAlgorithms, MaxAge: proofAge, Leeway: proofSkew, Now: now}}
	switch {
	case cfg.DPoP > DPoPRequired:
		return p, errors.New("tenancy: GuardConfig.DPoP must be DPoPDisabled, DPoPAllowed or DPoPRequired")
	case cfg.DPoP == DPoPDisabled && (cfg.Replay != nil || cfg.NonceKeys != nil):
		return p, errors.New("tenancy: GuardConfig.Replay and NonceKeys are for DPoP, which is disabled")
	case cfg.DPoP != DPoPDisabled && cfg.Replay == nil:
		return p, errors.New("tenancy: GuardConfig.DPoP needs a Replay, so that a proof is used once; NewMemory returns one for a single process")
	}
	if cfg.NonceKeys == nil {
		return p, nil
	}
	ring, err := seal.New("tenancy dpop nonce", cfg.NonceKeys)
	if err != nil {
		return p, errors.New("tenancy: GuardConfig.NonceKeys: each key must be 32 bytes, none twice, and random")
	}
	p.nonces = ring
	return p, nil
}

// proven is a request as a proof names it.
type proven struct {
	scheme, token string // As in Authorization.
	proofs        []string
	method, url   string
}

// check returns nil if the token may be used as the request does. next is the nonce
// for the client's following proof, if it is time for another.
func (p proofs) check(ctx context.Context, r proven, thumbprint string) (next string, err error) {
	if r.scheme != "DPoP" {
		if thumbprint != "" || p.mode == DPoPRequired {
			return "", &TokenError{Reason: "confirmation"}
		}
		return "", nil
	}
	switch {
	case thumbprint == "":
		return "", &TokenError{Reason: "not_bound"}
	case p.mode == DPoPDisabled: // another of the joined guards knows the scheme
		return "", &TokenError{Reason: "confirmation"}
	case len(r.proofs) != 1:
		return "", &proofError{"not exactly one DPoP header"}
	case r.url == "":
		return "", &routeError{"GuardConfig.PublicURL is needed for DPoP: the audience is not a URL"}
	}
	proof, err := p.policy.Check(r.proofs[0], jose.ProofRequest{Method: r.method, URL: r.url, AccessToken: r.token})
	if e, ok := errors.AsType[*jose.Error](err); ok {
		return "", &proofError{string(e.Reason)}
	} else if err != nil {
		return "", err
	}
	if proof.Thumbprint != thumbprint {
		return "", &proofError{"another key than the token's"}
	}
	if next, err = p.nonce(proof.Nonce); err != nil {
		return "", err
	}
	return next, p.spend(ctx, proof)
}

func (p proofs) spend(ctx context.Context, proof *jose.Proof) error {
	ctx, cancel := context.WithTimeout(ctx, spendTimeout)
	defer cancel()
	sum := sha256.Sum256([]byte(proof.Thumbprint + " " + proof.ID)) // thumbprints have one length
	err := p.replay.Spend(ctx, base64.RawURLEncoding.EncodeToString(sum[:]), proof.IssuedAt.Add(proofAge+proofSkew))
	switch {
	case errors.Is(err, ErrReplayed):
		return &proofError{"used before"}
	case err != nil:
		return &UnavailableError{RetryAfter: minRetry, Err: err}
	}
	return nil
}

// nonce refuses what is not a fresh nonce of ours, if nonces are used.
func (p proofs) nonce(given string) (next string, err error) {
	if p.nonces == nil {
		return "", nil
	}
	age := nonceAge
	if sealed, err := base64.RawURLEncoding.Strict().DecodeString(given); err == nil {
		if made, err := p.nonces.Open(sealed, nil); err == nil && len(made) == 8 {
			age = p.now().Sub(time.Unix(int64(binary.BigEndian.Uint64(made)), 0))
		}
	}
	if age >= nonceAge || age < -proofSkew {
		return "", &nonceError{p.fresh()}
	}
	if age >= nonceRenew {
		return p.fresh(), nil
	}
	return "", nil
}

func (p proofs) fresh() string {
	return base64.RawURLEncoding.EncodeToString(p.nonces.Seal(binary.BigEndian.AppendUint64(nil, uint64(p.now().Unix())), nil))
}
