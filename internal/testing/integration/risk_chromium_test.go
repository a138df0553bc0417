package integration

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/internal/testing/browser"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
)

// supportSite is the page for support staff over an engine that has judged logins of
// Ada.
func supportSite(t *testing.T) string {
	t.Helper()
	now := time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	d, err := anomaly.New(anomaly.NewMemory(0), [][]byte{sealKey}, anomaly.Config{Now: clock})
	require.NoError(t, err)
	e, err := risk.New(d, risk.Config{Now: clock, OnNewDevice: risk.OnNewDevice{Action: risk.MFARequired}})
	require.NoError(t, err)
	home := anomaly.Attempt{
		UserID: "auth0|ada", IP: netip.MustParseAddr("81.2.69.10"), DeviceID: "laptop",
		Place:     &anomaly.Place{Country: "NO", Lat: 59.91, Lon: 10.75, ASN: 2119, Zone: "Europe/Oslo"},
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
	}
	for day := 30; day > 0; day-- {
		home.Time = now.AddDate(0, 0, -day)
		require.NoError(t, d.Learn(t.Context(), home, anomaly.Proved))
	}
	phone, theft, blind := home, home, home
	phone.DeviceID, phone.Time = "phone", now.Add(-20*time.Hour)
	theft.DeviceID, theft.Time, theft.IP = "other", now.Add(-14*time.Hour), netip.MustParseAddr("177.1.1.123")
	theft.Place = &anomaly.Place{Country: "BR", Lat: -23.55, Lon: -46.63, ASN: 28573, Zone: "America/Sao_Paulo"}
	theft.UserAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	blind.IP, blind.Place, blind.Time = netip.Addr{}, nil, now.Add(-2*time.Hour)
	for _, a := range []anomaly.Attempt{phone, theft, blind} {
		decision, err := e.Evaluate(t.Context(), risk.Login{Attempt: a})
		require.NoError(t, err)
		require.Error(t, e.Apply(t.Context(), decision))
		if a.DeviceID == "phone" {
			require.NoError(t, e.Complete(t.Context(), a.UserID, decision.ID, risk.StepUpPassed))
		}
	}
	page, err := riskhttp.NewSupport(e, func(*http.Request) (string, error) { return "auth0|staff", nil },
		riskhttp.SupportConfig{Proofs: []string{"Passport seen on video", "Confirmed by the user’s manager"}})
	require.NoError(t, err)
	server := httptest.NewServer(page)
	t.Cleanup(server.Close)
	return server.URL + "/support/logins"
}

// The page for support staff fits every screen, and axe finds nothing, with an error
// in it.
func TestSupportPageInChromium(t *testing.T) {
	t.Parallel()
	site := supportSite(t)
	p := browser.Start(t)
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		require.NoError(t, chromedp.Do(p, steps...))
	}
	do(chromedp.Navigate(site + "?user=auth0%7Cada"))
	do(chromedp.SetValue(chromedp.CSS("#proof"), "Passport seen on video"), chromedp.SendKeys(chromedp.CSS("#ticket"), "no ticket!"),
		chromedp.Click(chromedp.CSS("form[method=post] button")), chromedp.WaitVisible(chromedp.CSS("#ticket-error")))
	p.Inspect("support-wrong")
	do(chromedp.SetValue(chromedp.CSS("#ticket"), "SUP-4711"), chromedp.Click(chromedp.CSS("form[method=post] button")), chromedp.WaitVisible(chromedp.CSS("[role=status]")))
	for _, e := range p.ConsoleErrors() {
		assert.Contains(t, e, "status of 422", "the ticket was wrong once")
	}
}
