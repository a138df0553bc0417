// Package authenticator is a passkey in software, for tests.
package authenticator

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
)

// Device is an authenticator in software: ES256, attestation none. Tests change it to
// be another one, or elsewhere.
type Device struct {
	testing.TB
	RP, Origin string
	Key        *ecdsa.PrivateKey
	ID         []byte
	Flags      byte
	Frame      string // The site in whose frame the page is.
	count      uint32
}

// The flags of authenticator data (WebAuthn level 3 section 6.1).
const (
	Present  = 0x01
	Verified = 0x04
	attested = 0x40
)

// New returns a device of a user at https://app.example.com, for the party example.com.
func New(t testing.TB) *Device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	id := make([]byte, 16)
	rand.Read(id)
	d := &Device{TB: t, RP: "example.com", Origin: "https://app.example.com", Key: key, ID: id, Flags: Present | Verified}
	d.must(err)
	return d
}

func (d *Device) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
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
func (d *Device) cose() []byte {
	point, err := d.Key.PublicKey.Bytes()
	d.must(err)
	return bytes.Join([][]byte{{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21}, cborBytes(point[1:33]), {0x22}, cborBytes(point[33:])}, nil)
}

func (d *Device) data(flags byte, more ...[]byte) []byte {
	rp := sha256.Sum256([]byte(d.RP))
	out := append(rp[:], flags)
	out = binary.BigEndian.AppendUint32(out, d.count)
	return append(out, bytes.Join(more, nil)...)
}

func (d *Device) client(kind string, options []byte) []byte {
	d.Helper()
	var o struct{ Challenge string }
	d.must(json.Unmarshal(options, &o))
	client := map[string]any{"type": kind, "challenge": o.Challenge, "origin": d.Origin, "crossOrigin": d.Frame != ""}
	if d.Frame != "" && d.Frame != d.Origin {
		client["topOrigin"] = d.Frame
	}
	out, err := json.Marshal(client)
	d.must(err)
	return out
}

func (d *Device) response(more map[string]string) []byte {
	out, err := json.Marshal(map[string]any{"id": b64(d.ID), "rawId": b64(d.ID), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": more})
	d.must(err)
	return out
}

// Create answers options for navigator.credentials.create.
func (d *Device) Create(options []byte) []byte {
	d.Helper()
	length := []byte{byte(len(d.ID) >> 8), byte(len(d.ID))}
	data := d.data(d.Flags|attested, make([]byte, 16), length, d.ID, d.cose())
	object := bytes.Join([][]byte{{0xa3}, cborText("fmt"), cborText("none"), cborText("attStmt"), {0xa0}, cborText("authData"), cborBytes(data)}, nil)
	return d.response(map[string]string{"clientDataJSON": b64(d.client("webauthn.create", options)), "attestationObject": b64(object)})
}

// Get answers options for navigator.credentials.get.
func (d *Device) Get(options []byte) []byte {
	d.Helper()
	d.count++
	client, data := d.client("webauthn.get", options), d.data(d.Flags)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(bytes.Clone(data), hash[:]...))
	signature, err := d.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
	d.must(err)
	return d.response(map[string]string{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)})
}
