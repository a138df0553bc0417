package jose_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
)

func ExampleVerifier_Verify() {
	tenant := josetest.NewIssuer() // publishes its keys; any http.RoundTripper
	keys, err := jose.NewKeySet(issuerID+".well-known/jwks.json", jose.KeySetConfig{HTTPClient: &http.Client{Transport: tenant}})
	if err != nil {
		panic(err)
	}
	v, err := jose.NewVerifier(jose.Policy{
		Issuers:  []jose.Issuer{{ID: issuerID, Keys: keys}},
		Audience: audience,
		Types:    []string{"at+jwt", "JWT"},
	})
	if err != nil {
		panic(err)
	}
	token, err := v.Verify(context.Background(), good())
	fmt.Println(token.Subject, err)

	_, err = v.Verify(context.Background(), josetest.Sign(josetest.RSA(1), josetest.Header("rs"), claims()))
	fmt.Println(errors.Is(err, jose.ErrInvalid), err)
	// Output:
	// auth0|1 <nil>
	// true jose: invalid token: signature
}
