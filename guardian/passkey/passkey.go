// Package passkey enrolls and verifies passkeys (WebAuthn level 3) as factors of a
// guardian.Service. It is a package of its own, so that a program without passkeys
// does not download github.com/go-webauthn/webauthn.
//
//	rp, err := passkey.New(factors, "example.com", []string{"https://app.example.com"}, passkey.Config{})
//	…
//	pages, err := guardian.NewPages(factors, web, guardian.PagesConfig{Passkeys: rp})
//
// The authenticator must verify its user, by fingerprint, face or PIN, so that a
// passkey proves two factors and meets every guardian.Level. No attestation is
// asked for: any authenticator is welcome. A challenge is answered once and within
// ten minutes. Challenges and credentials are in the Store of the Service, sealed,
// and its throttle, proofs, events and notices are those of all factors.
//
// A passkey belongs to the domain id for good: choose the one that all your sites
// share, and keep it. When the counter of an authenticator goes back there may be a
// copy of it: the login passes, the event guardian.clone is recorded, the user is
// told, and the passkey is marked in Service.Enrollments. Most passkeys of password
// managers have no counter.
package passkey

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/auth0kit/auth0kit/guardian"
)

// Config holds optional settings of a RelyingParty.
type Config struct {
	// Name is what authenticators call the site. Defaults to its domain.
	Name string
}

// RelyingParty is a guardian.Passkeys. It is safe for concurrent use.
type RelyingParty struct {
	keys *guardian.Ceremonies
	web  *webauthn.WebAuthn
}

var _ guardian.Passkeys = (*RelyingParty)(nil)

// New returns the relying party with the given id, a domain, for sites at origins,
// such as "https://app.example.com": each of that domain or one below it, with https
// unless it is localhost. The Service needs a Store. New does no I/O.
func New(s *guardian.Service, id string, origins []string, cfg Config) (*RelyingParty, error) {
	if s == nil {
		return nil, errors.New("passkey: New needs a guardian.Service; it is nil")
	}
	keys, err := s.Ceremonies()
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	if id == "" || strings.ContainsAny(id, ":/ ") {
		return nil, errors.New(`passkey: id must be a domain, such as "example.com"`)
	}
	if len(origins) == 0 {
		return nil, errors.New(`passkey: origins is empty; name those of your sites, such as "https://app.example.com"`)
	}
	for _, o := range origins {
		u, err := url.Parse(o)
		switch {
		case err != nil || u.Host == "" || u.Scheme+"://"+u.Host != o:
			return nil, fmt.Errorf("passkey: origins has %q, which is not an origin such as \"https://app.example.com\"", o)
		case u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost"):
			return nil, fmt.Errorf("passkey: origins has %q; browsers have passkeys with https, or at localhost", o)
		case u.Hostname() != id && !strings.HasSuffix(u.Hostname(), "."+id):
			return nil, fmt.Errorf("passkey: origins has %q, which is not a site of %s", o, id)
		}
	}
	if cfg.Name == "" {
		cfg.Name = id
	}
	web, err := webauthn.New(&webauthn.Config{
		RPID: id, RPDisplayName: cfg.Name, RPOrigins: origins,
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return &RelyingParty{keys, web}, nil
}

// user is a user with their passkeys as go-webauthn wants them.
type user struct {
	id, account string
	credentials []webauthn.Credential
}

func userOf(id, account string, have []guardian.Credential) (*user, error) {
	u := &user{id: id, account: account}
	for _, c := range have {
		var k webauthn.Credential
		if err := json.Unmarshal(c.Data, &k); err != nil {
			return nil, errors.New("passkey: a credential is not readable") // err would quote it
		}
		u.credentials = append(u.credentials, k)
	}
	return u, nil
}

// WebAuthnID tells authenticators users apart without naming them (WebAuthn level 3
// section 14.6.1).
func (u *user) WebAuthnID() []byte {
	sum := sha256.Sum256([]byte("auth0kit/guardian passkey v1\x00" + u.id))
	return sum[:]
}

func (u *user) WebAuthnName() string                       { return u.account }
func (u *user) WebAuthnDisplayName() string                { return u.account }
func (u *user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

// begun keeps the options for the browser, without the member publicKey around
// them, and returns what the Service keeps.
func begun(options *[]byte, publicKey any, session *webauthn.SessionData) (challenge string, state []byte, err error) {
	if *options, err = json.Marshal(publicKey); err != nil {
		return "", nil, errors.New("passkey: the options cannot be written")
	}
	if state, err = json.Marshal(session); err != nil {
		return "", nil, errors.New("passkey: the session cannot be written")
	}
	return session.Challenge, state, nil
}

// BeginEnroll returns the options for navigator.credentials.create: the JSON that
// PublicKeyCredential.parseCreationOptionsFromJSON reads. account is shown by the
// authenticator, such as the user's email. A user who has a factor needs a proof, or
// the error is guardian.ErrStepUp. A user has up to twenty passkeys.
func (rp *RelyingParty) BeginEnroll(ctx context.Context, userID, account string, proof *guardian.Verification) (options []byte, err error) {
	err = rp.keys.BeginEnroll(ctx, userID, proof, func(have []guardian.Credential) (string, []byte, error) {
		u, err := userOf(userID, account, have)
		if err != nil {
			return "", nil, err
		}
		creation, session, err := rp.web.BeginRegistration(u, webauthn.WithExclusions(webauthn.Credentials(u.credentials).CredentialDescriptors()))
		if err != nil {
			return "", nil, fmt.Errorf("passkey: begin: %w", err)
		}
		return begun(&options, creation.Response, session)
	})
	if err != nil {
		return nil, err
	}
	return options, nil
}

// FinishEnroll takes the browser's response, the JSON of PublicKeyCredential.toJSON,
// and enrolls the passkey under a name that its user knows again. It returns ten
// recovery codes if the user had none; show them once. A refusal is a
// *guardian.VerifyError with guardian.ErrWrongCode, ErrExpired, ErrReplayed, or
// ErrStepUp when the user got another factor since BeginEnroll was called without a
// proof.
func (rp *RelyingParty) FinishEnroll(ctx context.Context, userID, name string, response []byte) (recovery []string, err error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	challenge := ""
	if err == nil {
		challenge = parsed.Response.CollectedClientData.Challenge
	}
	return rp.keys.FinishEnroll(ctx, userID, name, challenge, func(state []byte, have []guardian.Credential) (out guardian.Credential, err error) {
		session, u, err := rp.opened(userID, state, have)
		if err != nil {
			return out, err
		}
		made, err := rp.web.CreateCredential(u, *session, parsed)
		if err != nil {
			return out, err
		}
		for _, k := range u.credentials {
			if string(k.ID) == string(made.ID) {
				return out, errors.New("passkey: it is enrolled already")
			}
		}
		made.Attestation = webauthn.CredentialAttestation{} // None was asked for.
		return kept(guardian.Credential{}, made)
	})
}

// BeginVerify returns the options for navigator.credentials.get: the JSON that
// PublicKeyCredential.parseRequestOptionsFromJSON reads. For a user without passkeys
// the error is guardian.ErrNotEnrolled.
func (rp *RelyingParty) BeginVerify(ctx context.Context, userID string) (options []byte, err error) {
	err = rp.keys.BeginVerify(ctx, userID, func(have []guardian.Credential) (string, []byte, error) {
		u, err := userOf(userID, "", have)
		if err != nil {
			return "", nil, err
		}
		assertion, session, err := rp.web.BeginLogin(u)
		if err != nil {
			return "", nil, fmt.Errorf("passkey: begin: %w", err)
		}
		return begun(&options, assertion.Response, session)
	})
	if err != nil {
		return nil, err
	}
	return options, nil
}

// FinishVerify takes the browser's response, the JSON of PublicKeyCredential.toJSON.
// A nil error means that one of the user's passkeys has answered the challenge, and
// that its user was verified; of all requests with one response exactly one
// succeeds. Refusals are those of guardian's Service.Verify. The address of the
// request is that of audit.NewContext.
func (rp *RelyingParty) FinishVerify(ctx context.Context, userID string, response []byte) (*guardian.Verification, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	challenge := ""
	if err == nil {
		challenge = parsed.Response.CollectedClientData.Challenge
	}
	return rp.keys.Verify(ctx, userID, challenge, func(state []byte, have []guardian.Credential) (out guardian.Credential, err error) {
		session, u, err := rp.opened(userID, state, have)
		if err != nil {
			return out, err
		}
		used, err := rp.web.ValidateLogin(u, *session, parsed)
		if err != nil {
			return out, err
		}
		for _, c := range have {
			if string(c.ID) == string(used.ID) {
				return kept(c, used)
			}
		}
		return out, errors.New("passkey: it is not enrolled")
	})
}

func (rp *RelyingParty) opened(userID string, state []byte, have []guardian.Credential) (*webauthn.SessionData, *user, error) {
	var session webauthn.SessionData
	if err := json.Unmarshal(state, &session); err != nil {
		return nil, nil, errors.New("passkey: the session is not readable")
	}
	u, err := userOf(userID, "", have)
	return &session, u, err
}

// kept is a credential as it is from now on.
func kept(c guardian.Credential, k *webauthn.Credential) (guardian.Credential, error) {
	data, err := json.Marshal(k)
	if err != nil {
		return c, errors.New("passkey: the credential cannot be written")
	}
	c.ID, c.Data, c.Cloned = k.ID, data, k.Authenticator.CloneWarning
	return c, nil
}
