package passhash

import (
	"encoding/json"
	"fmt"
)

// customHash is custom_password_hash of Auth0's import schema. Every member that
// has a default is written out, so that nothing rests on the reader's.
type customHash struct {
	Algorithm       string            `json:"algorithm"`
	Hash            hashValue         `json:"hash"`
	Salt            *saltValue        `json:"salt,omitempty"`
	Password        *passwordEncoding `json:"password,omitempty"`
	KeyLength       int               `json:"keylen,omitempty"`
	Cost            int64             `json:"cost,omitempty"`
	BlockSize       int64             `json:"blockSize,omitempty"`
	Parallelization int64             `json:"parallelization,omitempty"`
}

type hashValue struct {
	Value    string    `json:"value"`
	Encoding string    `json:"encoding"`
	Digest   string    `json:"digest,omitempty"`
	Key      *keyValue `json:"key,omitempty"`
}

type keyValue struct {
	Value    string `json:"value"`
	Encoding string `json:"encoding"`
}

type saltValue struct {
	Value    string `json:"value"`
	Encoding string `json:"encoding"`
	Position string `json:"position,omitempty"`
}

type passwordEncoding struct {
	Encoding string `json:"encoding"`
}

func utf8Hash(value string) hashValue { return hashValue{Value: value, Encoding: "utf8"} }

func base64Hash(value []byte) hashValue {
	return hashValue{Value: toBase64(value), Encoding: "base64"}
}

// base64Salt is nil for an empty salt, which Auth0 need not know of.
func base64Salt(salt []byte, position string) *saltValue {
	if len(salt) == 0 {
		return nil
	}
	return &saltValue{Value: toBase64(salt), Encoding: "base64", Position: position}
}

func importCustom(c customHash) func() (Import, string) {
	return func() (Import, string) {
		raw, err := json.Marshal(c)
		if err != nil {
			return Import{}, fmt.Sprintf("cannot be written as JSON: %v", err)
		}
		return Import{Field: "custom_password_hash", JSON: raw}, ""
	}
}

func importBcrypt(value string) func() (Import, string) {
	return func() (Import, string) {
		raw, err := json.Marshal(value)
		if err != nil {
			return Import{}, fmt.Sprintf("cannot be written as JSON: %v", err)
		}
		return Import{Field: "password_hash", JSON: raw}, ""
	}
}

func lazyOnly(reason string) func() (Import, string) {
	return func() (Import, string) { return Import{}, reason }
}
