package auth0hash

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding is how a typed password, which is UTF-8, becomes bytes.
type encoding struct {
	encode func(password string) ([]byte, bool)
}

var utf8Encoding = encoding{func(password string) ([]byte, bool) { return []byte(password), true }}

// The names are Node's; "binary" is its old name of latin1, and its ucs2 is
// UTF-16LE with surrogates.
var passwordEncodings = map[string]encoding{
	"utf8":    utf8Encoding,
	"ascii":   {singleByte(0x7f)},
	"latin1":  {singleByte(0xff)},
	"binary":  {singleByte(0xff)},
	"utf16le": {utf16LE},
	"ucs2":    {utf16LE},
}

func passwordEncoding(root object) (encoding, error) {
	if !root.has("password") {
		return utf8Encoding, nil
	}
	password, err := root.object("password")
	if err != nil {
		return encoding{}, err
	}
	name, err := password.oneOf("encoding", "utf8", "ascii", "utf8", "utf16le", "ucs2", "latin1", "binary")
	return passwordEncodings[name], err
}

func singleByte(highest rune) func(string) ([]byte, bool) {
	return func(password string) ([]byte, bool) {
		out := make([]byte, 0, len(password))
		for _, r := range password {
			if r > highest {
				return nil, false
			}
			out = append(out, byte(r))
		}
		return out, true
	}
}

func utf16LE(password string) ([]byte, bool) {
	if !utf8.ValidString(password) {
		return nil, false
	}
	out := make([]byte, 0, 2*len(password))
	for _, unit := range utf16.Encode([]rune(password)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out, true
}

// binaryValue reads hash.value in hex or base64; hash.encoding is required.
func binaryValue(hash object) ([]byte, error) {
	enc, err := hash.oneOf("encoding", "", "hex", "base64")
	if err != nil {
		return nil, err
	}
	return decodeMember(hash, "value", enc)
}

// textValue reads hash.value of the algorithms whose hash is a string with its
// parameters in it; hash.encoding defaults to utf8 and can be nothing else.
func textValue(hash object) (string, error) {
	if _, err := hash.oneOf("encoding", "utf8", "utf8"); err != nil {
		return "", err
	}
	return hash.text("value")
}

// keyMaterial reads {value, encoding}, the form of salts and HMAC keys.
func keyMaterial(o object) ([]byte, error) {
	enc, err := o.oneOf("encoding", "utf8", "base64", "hex", "utf8")
	if err != nil {
		return nil, err
	}
	out, err := decodeMember(o, "value", enc)
	if err == nil && len(out) > MaxKeyLength {
		return nil, schemaError("MAX_LENGTH", o.at("value"), "String is too long")
	}
	return out, err
}

func decodeMember(o object, name, enc string) ([]byte, error) {
	s, err := o.text(name)
	if err != nil {
		return nil, err
	}
	out, ok := decode(s, enc)
	if !ok {
		return nil, schemaError("FORMAT", o.at(name), "Not valid "+enc)
	}
	return out, nil
}

func decode(s, enc string) ([]byte, bool) {
	var out []byte
	var err error
	switch enc {
	case "hex":
		out, err = hex.DecodeString(s)
	case "base64":
		plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
		out, err = unpadded.DecodeString(plain)
	default:
		out = []byte(s)
	}
	return out, err == nil
}

// PHC strings and url-safe base64 go without padding; Strict refuses a last
// character with bits that decode to nothing.
var unpadded = base64.RawStdEncoding.Strict()
