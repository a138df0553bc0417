package tenancy_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

// A list of your own that says that a token is revoked is a Custom requirement.
func TestCustomRefusesTheToken(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	var told tenancy.Refusal
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{OnRefuse: func(_ context.Context, r tenancy.Refusal) { told = r }})
	h := x.require(tenancy.Custom(func(context.Context, *tenancy.TenantContext, tenancy.Request) error {
		return tenancy.ErrInvalidToken
	}))(reached)
	wantStatus(t, ask(h, token(i, "", nil)), http.StatusUnauthorized, `error="invalid_token"`)
	assert.Equal(t, "invalid_token", told.Reason)
}

// Each error of Admit is one of the sentinels that its doc names.
func TestRequestsWithoutOrganizationHaveASentinel(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	_, err := x.Admit(t.Context(), token(i, "", nil), tenancy.Org{}, tenancy.Authenticated())
	require.ErrorIs(t, err, tenancy.ErrNoTenant)
	require.ErrorIs(t, err, tenancy.ErrRequest)
	_, err = x.Admit(t.Context(), token(i, "org_id", nil), tenancy.Org{ID: orgID}, tenancy.Authenticated())
	require.ErrorIs(t, err, tenancy.ErrNoTenant)
	require.NotErrorIs(t, err, tenancy.ErrRequest)
	_, err = x.Admit(t.Context(), "", tenancy.Org{ID: orgID}, tenancy.Authenticated())
	require.ErrorIs(t, err, tenancy.ErrInvalidToken)
}

// A payload that is too wide is explained.
func TestWidePayloadIsExplained(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c := claims(i)
	for n := range 300 {
		c["https://example.com/"+string(rune('a'+n/26))+string(rune('a'+n%26))] = 1
	}
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	found, err := x.Diagnose(t.Context(), i.Token(josetest.Header("rs"), c))
	require.Error(t, err)
	require.Len(t, found, 1)
	assert.Contains(t, found[0], "256")
}

// Tests of handlers make their callers by hand: these have no token.
func TestRefusedCallersMadeByHand(t *testing.T) {
	t.Parallel()
	x := extractor(t, josetest.NewIssuer(), tenancy.FromToken, tenancy.GuardConfig{})
	caller := &tenancy.TenantContext{TenantID: orgID, UserID: "auth0|1"}
	ctx := tenancy.NewContext(t.Context(), caller)
	require.ErrorIs(t, x.Check(ctx, tenancy.Request{}, tenancy.AllOf("read:invoices")), tenancy.ErrForbidden)
	w := httptest.NewRecorder()
	x.Refuse(w, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx), caller.Check(ctx, orgID, tenancy.AllOf("read:invoices")))
	wantStatus(t, w.Result(), 403, `scope="read:invoices"`)
}
