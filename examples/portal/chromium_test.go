package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/browser"
	"github.com/auth0kit/auth0kit/management/resource"
)

// tab is a page of Chromium at the portal.
type tab struct {
	*testing.T
	*browser.Page
	p *portal
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	require.NoError(b, chromedp.Do(b.Page, steps...))
}

// another is a second browser of the same kind.
func (b *tab) another() *tab {
	b.Helper()
	other := &tab{b.T, b.Another(), b.p}
	_, err := chromedp.Call(other.Page, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: demoAgent})
	require.NoError(b, err)
	return other
}

func (b *tab) open(path string) { b.Helper(); b.do(chromedp.Navigate(b.p.base + path)) }

func (b *tab) text() string {
	got, _ := chromedp.Run(b.Page, chromedp.Evaluate[string](`location.href + " " + (document.body ? document.body.innerText : "")`))
	return got
}

// shows waits for a text.
func (b *tab) shows(text string) {
	b.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(b.text(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("%q does not come; the page is %s", text, b.text())
		}
	}
}

func (b *tab) write(css, text string) {
	b.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(css), text))
}

// press clicks, and waits for the page behind.
func (b *tab) press(css string) {
	b.Helper()
	_, err := chromedp.RunResponse(b.Page, chromedp.Click(chromedp.CSS(css)))
	require.NoError(b, err, "%s on %s", css, b.text())
}

// signIn signs Ada in at acme.
func (b *tab) signIn(user string) {
	b.Helper()
	b.open("/")
	b.write("#organization", "acme")
	b.press("button.primary")
	b.write("#username", user)
	b.write("#password", password)
	b.press("button[type=submit]")
}

// recover proves with one of Ada's recovery codes, since a code of her app is taken once.
func (b *tab) recover() {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS("summary")))
	code := b.p.demo.drawer[0]
	b.p.demo.drawer = b.p.demo.drawer[1:]
	b.write("#recovery", code)
	b.press("details button")
}

// TestPortalInChromium is a day at the portal: a passkey, a payout, a second browser
// that is signed out from the first, a new administrator, a proof and a report.
func TestPortalInChromium(t *testing.T) {
	t.Parallel()
	p := start(t)
	b := &tab{t, browser.Start(t), p}
	org := "/orgs/" + p.demo.acme

	b.open("/")
	b.Inspect("home")
	b.open("/arrive")
	b.Inspect("arrive")
	b.signIn(ada)
	b.shows("Kraft Paper Mills")
	b.Inspect("invoices")

	// A passkey, which needs a proof of what she has.
	b.AddAuthenticator()
	b.open("/mfa/")
	b.press(`form[action$="/passkey"] button`)
	b.shows("Confirm that it is you")
	b.write("#code", p.demo.tenant.OTP(p.demo.phone.Secret()))
	b.press(`form[action*="/verify"] button.primary`)
	b.shows("Second factors")
	b.press(`form[action$="/passkey"] button`)
	b.shows("Add a passkey")
	b.write("#name", "Laptop")
	b.do(chromedp.Click(chromedp.CSS("button.primary")))
	b.shows("The method is set up.")
	b.Inspect("factors")

	// A payout, for which the proof is fresh.
	b.open(org + "/invoices/1001/pay")
	b.shows("Pay 480.50 €?")
	b.Inspect("pay")
	b.press("button.primary")
	b.shows("Invoice 1001 is paid.")
	b.Inspect("paid")
	b.pictures(org)

	// A new session has proved nothing: the next payout asks for the passkey.
	b.open("/account")
	b.press(`form[action="/auth/logout"] button`)
	b.signIn(ada)
	b.shows("Kraft Paper Mills")
	b.open(org + "/invoices/1002/pay")
	b.shows("Confirm that it is you")
	b.do(chromedp.Click(chromedp.CSS(`form[data-passkey="get"] button`)))
	b.shows("Pay 694.27 €?")
	b.press("button.primary")
	b.shows("Invoice 1002 is paid.")

	// The second browser is signed out from the first.
	other := b.another()
	other.signIn(ada)
	other.shows("Kraft Paper Mills")
	b.open("/sessions")
	b.Inspect("sessions")
	b.press(`a[href="/sessions/end?which=others"]`)
	b.Inspect("sessions-end")
	b.press("button.danger")
	b.shows("You are signed out everywhere else.")
	require.Eventually(t, func() bool { // Auth0 is told, which would let the browser in again without a password
		other.open(org + "/")
		return strings.Contains(other.text(), "/u/login")
	}, time.Minute, 50*time.Millisecond)

	// From the other side of the world, a sign-in waits for a second factor.
	far := b.another()
	far.open("/demo/place")
	far.press(`button[aria-label*="Hanoi"]`)
	far.signIn(ada)
	far.shows("Confirm that it is you")
	far.Inspect("verify")
	far.recover()
	far.shows("Your recovery codes") // one in place of the one that is spent
	far.press(`form[action$="/codes"] button`)
	far.open("/account")
	far.shows("You confirmed it with a second factor")
	far.Inspect("risk")

	// Bob's laptop is stolen.
	bobs := b.another()
	bobs.signIn(bob)
	bobs.shows("Kraft Paper Mills")
	b.open(org + "/team")
	b.press(`a[aria-label="Close the account of bob@example.com"]`)
	b.Inspect("contain")
	b.do(chromedp.Click(chromedp.CSS("input[name=factors]")))
	b.press("button.danger")
	b.shows("It is closed.")
	b.Inspect("receipt")
	bobs.open(org + "/")
	bobs.shows("/u/login")

	// Bob has the account back, but whoever has its password may still be somebody else.
	users, err := b.p.client.UsersByEmail(t.Context(), bob)
	require.NoError(t, err)
	_, err = b.p.client.UpdateUser(t.Context(), users[0].ID, resource.UserPatch{Blocked: new(false)})
	require.NoError(t, err)
	again := b.another()
	again.signIn(bob)
	again.shows("Set up a second factor first")
	again.Inspect("unproved")

	assert.Empty(t, slices.Concat(b.complaints(), other.complaints(), far.complaints()))
}

// pictures looks at the pages that do nothing.
func (b *tab) pictures(org string) {
	b.Helper()
	for name, path := range map[string]string{
		"account": "/account", "organizations": "/organizations", "team": org + "/team", "audit": org + "/audit",
		"other": "/orgs/" + b.p.demo.globex + "/", "missing": "/nothing", "phone": "/demo/phone", "place": "/demo/place", "siem": "/demo/siem",
	} {
		b.open(path)
		b.Inspect(name)
	}
	b.open(org + "/team")
	b.do(chromedp.SetValue(chromedp.CSS("#emails"), ada+"\n"+bob+"\nnew@example.com"))
	b.press(`form[action$="/team/plan"] button`)
	b.shows("What would change")
	b.Inspect("plan")
	b.press("form button.primary")
	b.shows("The administrators are as declared")
	b.Inspect("applied")
	b.open(org + "/audit")
	b.shows("Proof")
	b.press(`td a`)
	b.shows("The proof is right.")
	b.Inspect("proof")
	b.open(org + "/report")
	b.shows("Audit report of")
	b.Inspect("report")
}

// complaints are what the console said, statuses of refusals apart.
func (b *tab) complaints() (said []string) {
	for _, e := range b.ConsoleErrors() {
		if !strings.Contains(e, "status of 4") {
			said = append(said, e)
		}
	}
	return said
}
