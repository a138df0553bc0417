package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/browser"
	"github.com/auth0kit/auth0kit/migration"
)

// problems are some of each rule, with keys as legacy systems have them.
func problems() (all []migration.Problem) {
	for i := range 40 {
		all = append(all, migration.Problem{Key: fmt.Sprint(1000 + i), Class: migration.Duplicate, Rule: migration.RuleDuplicate, Path: "email"})
	}
	for i := range 3 {
		key := fmt.Sprintf("5f7c8ec7-c33c-4c00-bb4b-afe00000000%d", i)
		all = append(all, migration.Problem{Key: key, Class: migration.Invalid, Rule: migration.RuleFormat, Path: "phone_number"},
			migration.Problem{Key: key, Code: "CONFLICT_EMAIL", Path: "email", Retry: true})
	}
	return all
}

// reports are two with something in every part of the page.
func reports() []report {
	plan := &migration.Plan{
		Total: 50_000, Direct: 30_000, Converted: 12_000, LazyOnly: 7_000, ResetOnly: 500, Invalid: 3, Duplicate: 497, Importable: 42_000,
		Formats:     map[string]int{"bcrypt": 30_000, "django-pbkdf2": 12_000, "phpass": 7_000},
		Proofs:      []migration.Proof{{Format: "bcrypt", Users: 2, Proved: 2}},
		Memberships: 9_000, ETA: 46 * time.Minute,
		Stages: []migration.Stage{
			{Name: "jobs", Total: 58, Requests: 1160, Left: 23 * time.Minute}, {Name: "memberships", Total: 9000, Requests: 900, Left: 5 * time.Minute},
			{Name: "roles", Total: 8200, Requests: 8200, Left: 41 * time.Minute},
		},
		Options: []string{"The connection takes no usernames (requires_username is off): 12 users are refused. Set Run.Fields.Username to Drop, or turn it on."},
	}
	return []report{
		{Verb: "run", Source: "shop-production", Connection: "customers", Plan: plan, Problems: problems(), Result: &migration.Result{
			Migrated: 41_997, Failed: 3, Lazy: 7_000, Reset: 500, Invalid: 3, Duplicate: 497, Total: 50_000, MembershipsFailed: 12,
		}},
		{Verb: "verify", Source: "shop-production", Connection: "customers", Verification: &migration.Verification{
			Checked: 41_997, Same: 41_995, Changed: 1, Missing: 1, Extra: 12, Memberships: 9_000, Outside: 1,
			Differences: []migration.Difference{
				{UserID: "auth0|shop|5f7c8ec7-c33c-4c00-bb4b-afe000000001", Kind: migration.Changed, Fields: []string{"email", "email_verified", "app_metadata"}},
				{UserID: "auth0|shop|17", Kind: migration.Missing}, {UserID: "auth0|shop|18", Kind: migration.Outside, Fields: []string{"org_9ybsU1dN2dKfDkBi"}},
			},
		}},
	}
}

// The pages fit a phone and a desk, and axe finds nothing. AUTH0KIT_PICTURES names a
// folder that keeps pictures of them.
func TestReportInChromium(t *testing.T) {
	t.Parallel()
	tab := browser.Start(t)
	for _, r := range reports() {
		dir := t.TempDir()
		require.NoError(t, r.write(dir))
		page, err := os.ReadFile(filepath.Join(dir, r.Verb+".html"))
		require.NoError(t, err)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(page)
		}))
		t.Cleanup(server.Close)
		require.NoError(t, chromedp.Do(tab, chromedp.Navigate(server.URL)))
		tab.Inspect("migrate-" + r.Verb)
	}
	assert.Empty(t, tab.ConsoleErrors())
}
