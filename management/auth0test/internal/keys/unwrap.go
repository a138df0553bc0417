package keys

import (
	"crypto/aes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

var errUnwrap = errors.New("auth0test: the wrapped key is not valid")

// UnwrapKey opens CKM_RSA_AES_KEY_WRAP (PKCS #11 3.0, section 6.1.23): an AES
// key by RSA-OAEP with SHA-256, then the key itself by AES-KWP.
func UnwrapKey(private *rsa.PrivateKey, wrapped []byte) ([]byte, error) {
	if len(wrapped) <= private.Size() {
		return nil, errUnwrap
	}
	kek, err := rsa.DecryptOAEP(sha256.New(), nil, private, wrapped[:private.Size()], nil)
	if err != nil {
		return nil, errUnwrap
	}
	return unwrapKWP(kek, wrapped[private.Size():])
}

// unwrapKWP is AES key unwrap with padding (RFC 5649, section 4.2) of keys that
// are longer than eight bytes.
func unwrapKWP(kek, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(wrapped)%8 != 0 || len(wrapped) < 24 {
		return nil, errUnwrap
	}
	data := append([]byte(nil), wrapped...)
	buf := make([]byte, 16)
	copy(buf, data[:8])
	n := len(data)/8 - 1
	for step := 6 * n; step > 0; step-- {
		part := data[8*((step-1)%n+1):][:8]
		binary.BigEndian.PutUint64(buf, binary.BigEndian.Uint64(buf)^uint64(step))
		copy(buf[8:], part)
		block.Decrypt(buf, buf)
		copy(part, buf[8:])
	}
	length := int(binary.BigEndian.Uint32(buf[4:8]))
	if binary.BigEndian.Uint32(buf) != 0xA65959A6 || length > 8*n || length <= 8*(n-1) {
		return nil, errUnwrap
	}
	for _, pad := range data[8+length:] {
		if pad != 0 {
			return nil, errUnwrap
		}
	}
	return data[8 : 8+length], nil
}
