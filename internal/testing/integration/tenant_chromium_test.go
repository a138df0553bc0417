package integration

import (
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/browser"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// TestTenantPagesInChromium: what a served tenant shows people, its page at / and
// the way through a login.
func TestTenantPagesInChromium(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{Overview: true})
	tenant.AddAPI("https://orders.example.com", "read:orders")
	ada := tenant.AddUser(resource.User{Email: "ada@example.com", Username: "ada"}, "correct horse")
	tenant.AddMember(tenant.AddOrganization("acme"), ada)
	app := tenant.AddClient(auth0test.Application{Name: "Shop", CallbackURL: "http://localhost:3000/callback", AsksConsent: true})
	server, err := tenant.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(server.Close)
	block, _ := pem.Decode(server.CAPEM)
	authority, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	page := browser.Start(t, authority)
	open := func(path string) {
		require.NoError(t, chromedp.Do(page, chromedp.Navigate(server.URL+path)))
	}
	press := func() {
		_, err := chromedp.RunResponse(page, chromedp.Click(chromedp.CSS("button")))
		require.NoError(t, err)
	}
	open("/authorize?" + url.Values{"response_type": {"code"}, "client_id": {app.ID}, "redirect_uri": {app.CallbackURL}, "scope": {"openid email"}}.Encode())
	page.Inspect("tenant-login")
	require.NoError(t, chromedp.Do(page, chromedp.SendKeys(chromedp.ID("username"), "ada@example.com"), chromedp.SendKeys(chromedp.ID("password"), "wrong")))
	press()
	page.Inspect("tenant-problem")
	require.NoError(t, chromedp.Do(page, chromedp.SendKeys(chromedp.ID("password"), "correct horse"))) // The name stayed.
	press()
	at, err := chromedp.Run(page, chromedp.Evaluate[string](`location.pathname`))
	require.NoError(t, err)
	require.Equal(t, "/u/consent", at)
	page.Inspect("tenant-consent")
	open("/authorize?client_id=nobody")
	page.Inspect("tenant-error")
	open("/")
	page.Inspect("tenant-overview")
}
