package keys

import (
	"crypto/sha1"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
)

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
		"kid": k.Kid, "cert": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"pkcs7":       string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: pkcs7(der)})),
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
