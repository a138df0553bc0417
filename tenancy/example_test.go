package tenancy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

func ExampleGuard_Require() {
	tenant := josetest.NewIssuer() // stands for Auth0
	v, err := tenancy.NewVerifier(tenant.ID, "https://api.example.com", tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: tenant}})
	if err != nil {
		panic(err)
	}
	guard, err := tenancy.NewGuard(v, tenancy.GuardConfig{FirstParty: []string{"client"}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	list := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := tenancy.FromContext(r.Context())
		fmt.Fprintf(w, "invoices of %s for %s", caller.TenantID, caller.UserID)
	})
	mux := http.NewServeMux()
	mux.Handle("GET /orgs/{org}/invoices", guard.Require(tenancy.FromPath("org"), tenancy.AllOf("read:invoices"))(list))
	mux.Handle("DELETE /orgs/{org}/invoices", guard.Require(tenancy.FromPath("org"), tenancy.AllOf("delete:invoices"))(list))

	get := func(method, path string) {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer "+token(tenant, "", nil))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Printf("%d %s\n%s\n", w.Code, bytes.TrimSpace(w.Body.Bytes()), w.Header().Get("WWW-Authenticate"))
	}
	get("GET", "/orgs/org_acme/invoices")
	get("GET", "/orgs/org_other/invoices")
	get("DELETE", "/orgs/org_acme/invoices")
	// Output:
	// 200 invoices of org_acme for auth0|1
	//
	// 403 {"error":"insufficient_scope","error_description":"the token is for another organization"}
	// Bearer realm="https://api.example.com", error="insufficient_scope", error_description="the token is for another organization", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"
	// 403 {"error":"insufficient_scope","error_description":"missing permission: delete:invoices"}
	// Bearer realm="https://api.example.com", error="insufficient_scope", error_description="missing permission: delete:invoices", scope="delete:invoices", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"
}

func ExampleVerifier_Verify() {
	tenant := josetest.NewIssuer()
	v, err := tenancy.NewVerifier(tenant.ID, "https://api.example.com", tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: tenant}})
	if err != nil {
		panic(err)
	}
	t, err := v.Verify(context.Background(), token(tenant, "", nil))
	fmt.Println(t.Subject, err)
	_, err = v.Verify(context.Background(), token(tenant, "aud", "https://other.example.com"))
	fmt.Println(errors.Is(err, tenancy.ErrInvalidToken), err)
	// Output:
	// auth0|1 <nil>
	// true tenancy: invalid token: audience
}

func ExampleGuard_Admit() {
	tenant := josetest.NewIssuer()
	v, err := tenancy.NewVerifier(tenant.ID, "https://api.example.com", tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: tenant}})
	if err != nil {
		panic(err)
	}
	// A *management.Client is a Directory; this one is in memory.
	guard, err := tenancy.NewGuard(v, tenancy.GuardConfig{FirstParty: []string{"client"}, Directory: newDirectory()})
	if err != nil {
		panic(err)
	}
	ctx, err := guard.Admit(context.Background(), token(tenant, "", nil), tenancy.Org{ID: "org_acme"}, tenancy.Authenticated())
	if err != nil {
		panic(err)
	}
	caller, _ := tenancy.FromContext(ctx)
	fmt.Println(caller.Kind, caller.UserID, caller.Roles, caller.Permissions)
	fmt.Println(caller.Check(ctx, "org_acme", tenancy.AnyOf("read:log", "admin")))
	fmt.Println(caller.Check(ctx, "org_acme", tenancy.AllOf("read:log", "admin")))
	// Output:
	// user auth0|1 [clerk auditor] [read:invoices read:log write:invoices]
	// <nil>
	// tenancy: forbidden: missing permission: admin
}

func ExampleGuard_Diagnose() {
	tenant := josetest.NewIssuer()
	v, err := tenancy.NewVerifier(tenant.ID, "https://api.example.com", tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: tenant}})
	if err != nil {
		panic(err)
	}
	guard, err := tenancy.NewGuard(v, tenancy.GuardConfig{})
	if err != nil {
		panic(err)
	}
	found, err := guard.Diagnose(context.Background(), token(tenant, "nonce", "only ID tokens have one"))
	fmt.Println(found[0])
	fmt.Println(err)
	// Output:
	// The token is an ID token (or a logout token). Send the access token.
	// tenancy: invalid token: id_token
}
