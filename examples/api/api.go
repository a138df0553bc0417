package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/auth0kit/auth0kit/tenancy"
)

// newAPI protects each route by what its callers may do in the organization of
// the path. firstParty are the client ids of our own applications; others need the
// scopes as well.
func newAPI(issuer, audience string, firstParty []string, cfg tenancy.VerifierConfig) (http.Handler, error) {
	verifier, err := tenancy.NewVerifier(issuer, audience, cfg)
	if err != nil {
		return nil, err
	}
	guard, err := tenancy.NewGuard(verifier, tenancy.GuardConfig{FirstParty: firstParty})
	if err != nil {
		return nil, err
	}
	books, org := &books{invoices: make(map[string][]invoice)}, tenancy.FromPath("org")
	mux := http.NewServeMux()
	mux.Handle("GET /orgs/{org}/invoices", guard.Require(org, tenancy.AllOf("read:invoices"))(http.HandlerFunc(books.list)))
	mux.Handle("POST /orgs/{org}/invoices", guard.Require(org, tenancy.AllOf("read:invoices", "write:invoices"))(http.HandlerFunc(books.add)))
	mux.Handle("GET /orgs/{org}/total", guard.Require(org, tenancy.AnyOf("read:invoices", "read:total"))(http.HandlerFunc(books.total)))
	mux.Handle("GET /me", guard.Require(tenancy.FromToken, tenancy.Authenticated())(http.HandlerFunc(me)))
	mux.Handle(guard.Metadata())
	return mux, nil
}

type invoice struct {
	Number int    `json:"number"`
	Cents  int    `json:"cents"`
	By     string `json:"by"`
}

// books keeps the invoices of every organization, and gives a caller none but
// those of their own: by TenantContext.TenantID, never by what the request says.
type books struct {
	mu       sync.Mutex
	invoices map[string][]invoice
}

func (b *books) list(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	b.mu.Lock()
	defer b.mu.Unlock()
	reply(w, http.StatusOK, append([]invoice{}, b.invoices[caller.TenantID]...))
}

func (b *books) add(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	var new invoice
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&new); err != nil || new.Cents <= 0 {
		reply(w, http.StatusBadRequest, map[string]string{"error": "cents must be a positive number"})
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	of := b.invoices[caller.TenantID]
	new.Number, new.By = len(of)+1, caller.UserID
	b.invoices[caller.TenantID] = append(of, new)
	reply(w, http.StatusCreated, new)
}

func (b *books) total(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	b.mu.Lock()
	defer b.mu.Unlock()
	total := 0
	for _, i := range b.invoices[caller.TenantID] {
		total += i.Cents
	}
	reply(w, http.StatusOK, map[string]int{"cents": total})
}

func me(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	reply(w, http.StatusOK, map[string]any{
		"user": caller.UserID, "organization": caller.TenantID, "kind": caller.Kind.String(), "permissions": caller.Permissions,
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		fmt.Println("api: the client has gone away")
	}
}
