package auth0hash_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/auth0kit/auth0kit/internal/auth0hash"
)

func ExampleParseCustom() {
	h, err := auth0hash.ParseCustom(json.RawMessage(`{
		"algorithm": "md4",
		"hash": {"value": "AbuUujgF0pPPkJPSFRTpmA==", "encoding": "base64"}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("right:", h.Verify("shh"))
	fmt.Println("wrong:", h.Verify("hush"))

	_, err = auth0hash.ParseCustom(json.RawMessage(`{"algorithm": "md4"}`))
	if e, ok := errors.AsType[*auth0hash.SchemaError](err); ok {
		fmt.Println(e.Code, e.Path)
	}
	// Output:
	// right: <nil>
	// wrong: auth0hash: password does not match
	// OBJECT_REQUIRED custom_password_hash.hash
}

func ExampleParseBcrypt() {
	h, err := auth0hash.ParseBcrypt("$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Verify("hello"))
	// Output: <nil>
}
