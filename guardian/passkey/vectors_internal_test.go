package passkey

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
)

// vector is a response of WebAuthn level 3 section 16, in hexadecimal. Those whose
// authenticator did not verify its user are refused, whatever else is right.
type vector struct {
	Name, Kind, Challenge, ID, Client, Object, Data, Signature, Key string
	Verified                                                        bool
}

func (v vector) response(t *testing.T) (response []byte, challenge string) {
	t.Helper()
	b64 := func(s string) string {
		raw, err := hex.DecodeString(s)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	inner := map[string]string{"clientDataJSON": b64(v.Client)}
	if v.Kind == "create" {
		inner["attestationObject"] = b64(v.Object)
	} else {
		inner["authenticatorData"], inner["signature"] = b64(v.Data), b64(v.Signature)
	}
	out, err := json.Marshal(map[string]any{"id": b64(v.ID), "rawId": b64(v.ID), "type": "public-key", "response": inner})
	require.NoError(t, err)
	return out, b64(v.Challenge)
}

func TestVectors(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/vectors.json")
	require.NoError(t, err)
	var vectors []vector
	require.NoError(t, json.Unmarshal(content, &vectors))
	for _, v := range vectors {
		s, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{[]byte("an example of a key with 32 byte")}, Issuer: "Example"})
		require.NoError(t, err)
		rp, err := New(s, "example.org", []string{"https://example.org"}, Config{})
		require.NoError(t, err)
		response, challenge := v.response(t)
		id, err := hex.DecodeString(v.ID)
		require.NoError(t, err)
		begin := func(have []guardian.Credential) (string, []byte, error) {
			u, err := userOf("auth0|1", "", have)
			require.NoError(t, err)
			state, err := json.Marshal(webauthn.SessionData{
				Challenge: challenge, UserID: u.WebAuthnID(), UserVerification: protocol.VerificationRequired,
				CredParams: webauthn.CredentialParametersDefault(), AllowedCredentialIDs: [][]byte{id},
			})
			return challenge, state, err
		}
		if v.Kind == "create" {
			require.NoError(t, rp.keys.BeginEnroll(t.Context(), "auth0|1", nil, begin))
			_, err = rp.FinishEnroll(t.Context(), "auth0|1", "", response)
		} else {
			key, hexErr := hex.DecodeString(v.Key)
			require.NoError(t, hexErr)
			require.NoError(t, rp.keys.BeginEnroll(t.Context(), "auth0|1", nil, func([]guardian.Credential) (string, []byte, error) { return "x", nil, nil }))
			_, err = rp.keys.FinishEnroll(t.Context(), "auth0|1", "", "x", func([]byte, []guardian.Credential) (guardian.Credential, error) {
				return kept(guardian.Credential{}, &webauthn.Credential{ID: id, PublicKey: key, Flags: webauthn.CredentialFlags{BackupEligible: true}})
			})
			require.NoError(t, err)
			require.NoError(t, rp.keys.BeginVerify(t.Context(), "auth0|1", begin))
			_, err = rp.FinishVerify(t.Context(), "auth0|1", response)
		}
		if v.Verified {
			assert.NoError(t, err, "%s, %s", v.Name, v.Kind)
		} else {
			assert.ErrorIs(t, err, guardian.ErrWrongCode, "%s, %s", v.Name, v.Kind)
		}
	}
}
