package passkey_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// device is an authenticator in software: ES256, attestation none.
type device struct {
	testing.TB
	rp, origin string
	key        *ecdsa.PrivateKey
	id         []byte
	count      uint32
	flags      byte
	frame      string // The site in whose frame the page is.
}

// The flags of authenticator data (WebAuthn level 3 section 6.1).
const (
	present  = 0x01
	verified = 0x04
	attested = 0x40
)

func newDevice(t testing.TB) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	id := make([]byte, 16)
	rand.Read(id)
	return &device{TB: t, rp: "example.com", origin: "https://app.example.com", key: key, id: id, flags: present | verified}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// head is the head of a CBOR item below 64 KiB.
func head(major byte, n int) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 256:
		return []byte{major<<5 | 24, byte(n)}
	}
	return []byte{major<<5 | 25, byte(n >> 8), byte(n)}
}

func cborBytes(b []byte) []byte { return append(head(2, len(b)), b...) }
func cborText(s string) []byte  { return append(head(3, len(s)), s...) }

// cose is the public key as COSE has it: EC2, ES256, P-256.
func (d *device) cose() []byte {
	point, err := d.key.PublicKey.Bytes()
	require.NoError(d, err)
	return bytes.Join([][]byte{{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21}, cborBytes(point[1:33]), {0x22}, cborBytes(point[33:])}, nil)
}

func (d *device) data(flags byte, more ...[]byte) []byte {
	rp := sha256.Sum256([]byte(d.rp))
	out := append(rp[:], flags)
	out = binary.BigEndian.AppendUint32(out, d.count)
	return append(out, bytes.Join(more, nil)...)
}

func (d *device) client(kind string, options []byte) []byte {
	d.Helper()
	var o struct{ Challenge string }
	require.NoError(d, json.Unmarshal(options, &o))
	client := map[string]any{"type": kind, "challenge": o.Challenge, "origin": d.origin, "crossOrigin": d.frame != ""}
	if d.frame != "" && d.frame != d.origin {
		client["topOrigin"] = d.frame
	}
	out, err := json.Marshal(client)
	require.NoError(d, err)
	return out
}

func (d *device) response(more map[string]string) []byte {
	out, err := json.Marshal(map[string]any{"id": b64(d.id), "rawId": b64(d.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": more})
	require.NoError(d, err)
	return out
}

// create answers options for navigator.credentials.create.
func (d *device) create(options []byte) []byte {
	d.Helper()
	length := []byte{byte(len(d.id) >> 8), byte(len(d.id))}
	data := d.data(d.flags|attested, make([]byte, 16), length, d.id, d.cose())
	object := bytes.Join([][]byte{{0xa3}, cborText("fmt"), cborText("none"), cborText("attStmt"), {0xa0}, cborText("authData"), cborBytes(data)}, nil)
	return d.response(map[string]string{"clientDataJSON": b64(d.client("webauthn.create", options)), "attestationObject": b64(object)})
}

// get answers options for navigator.credentials.get.
func (d *device) get(options []byte) []byte {
	d.Helper()
	d.count++
	client, data := d.client("webauthn.get", options), d.data(d.flags)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(bytes.Clone(data), hash[:]...))
	signature, err := d.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	require.NoError(d, err)
	return d.response(map[string]string{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)})
}
