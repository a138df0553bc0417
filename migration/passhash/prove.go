package passhash

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/auth0kit/auth0kit/internal/auth0hash"
)

// Prove checks a converted hash against a password by Auth0's documented rules, in
// code that shares nothing with Verify: a password that passes both has survived
// the conversion. The error is ErrMismatch, or ErrFormat for a hash that the
// import schema refuses.
func Prove(i Import, password string) error {
	h, err := parseImport(i)
	if err != nil {
		return err
	}
	if h.Verify(password) != nil {
		return fmt.Errorf("%w (%s)", ErrMismatch, i.Field)
	}
	return nil
}

func parseImport(i Import) (*auth0hash.Hash, error) {
	var h *auth0hash.Hash
	var err error
	switch i.Field {
	case "custom_password_hash":
		h, err = auth0hash.ParseCustom(i.JSON)
	case "password_hash":
		var value string
		if json.Unmarshal(i.JSON, &value) != nil {
			return nil, malformed("password_hash must be a JSON string")
		}
		h, err = auth0hash.ParseBcrypt(value)
	default:
		return nil, malformed("Import.Field must be password_hash or custom_password_hash")
	}
	if e, ok := errors.AsType[*auth0hash.SchemaError](err); ok {
		return nil, fmt.Errorf("%w: %s at %s", ErrFormat, e.Code, e.Path)
	}
	return h, err
}
