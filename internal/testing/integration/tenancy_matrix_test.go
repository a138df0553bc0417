package integration

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy"
)

// The dimensions of the matrix.
var (
	matrixKinds  = []string{"user, first-party application", "user, third-party application", "agent for a user (act)", "machine"}
	matrixStates = []string{"member", "removed", "blocked", "deleted"}
	matrixModes  = []string{"live", "claims"}
)

const (
	matrixOurs   = "our-spa"
	matrixTheirs = "their-app"
)

// claimsOf decodes a token of the tenant.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(raw, &claims))
	return claims
}

// matrixToken is one of the user's tokens, as the kind of caller has it.
func matrixToken(c *company, base map[string]any, kind string, permitted, granted bool) string {
	claims := maps.Clone(base)
	claims["azp"], claims["scope"], claims["permissions"] = matrixTheirs, "openid", []string{}
	if granted {
		claims["scope"] = "openid read:invoices"
	}
	if permitted {
		claims["permissions"] = []string{"read:invoices", "write:invoices"}
	}
	switch kind {
	case matrixKinds[0]:
		claims["azp"] = matrixOurs
	case matrixKinds[2]:
		claims["azp"], claims["act"] = matrixOurs, map[string]any{"sub": "agt_bot"}
	case matrixKinds[3]:
		claims["sub"], claims["gty"] = matrixTheirs+"@clients", "client-credentials"
	case matrixAlso:
		claims["azp"], claims["sub"], claims["gty"] = matrixOurs, matrixOurs+"@clients", "client-credentials"
	}
	return c.Sign(nil, claims)
}

// matrixCounts is what the phrases of the second column mean.
var matrixCounts = map[string]func(permitted, granted bool) bool{
	"permissions":            func(permitted, _ bool) bool { return permitted },
	"permissions and scopes": func(permitted, granted bool) bool { return permitted && granted },
	"scopes":                 func(_, granted bool) bool { return granted },
	"scopes or permissions":  func(permitted, granted bool) bool { return permitted || granted },
}

// docRow is a row of the table that opens the package's doc.
type docRow struct{ caller, counts, removal string }

// docRows reads the eight rows.
func docRows(t *testing.T) []docRow {
	t.Helper()
	raw, err := os.ReadFile("../../../tenancy/doc.go")
	require.NoError(t, err)
	columns := regexp.MustCompile(`^//\t(\S.*?)  +(\S.*?)(?:  +(\S.*))?$`)
	var rows []docRow
	for line := range strings.Lines(string(raw)) {
		switch m := columns.FindStringSubmatch(strings.TrimSuffix(line, "\n")); {
		case m == nil && len(rows) > 1:
			require.Equal(t, docRow{"caller", "what counts", "what a removal does"}, rows[0])
			require.Len(t, rows[1:], 8)
			return rows[1:]
		case m != nil:
			rows = append(rows, docRow{m[1], m[2], m[3]})
		}
	}
	t.Fatal("the doc has lost its table")
	return nil
}

// matrixRows are the rows of the kinds; matrixAlso is first-party machines, whose row
// is beside the 128 cells.
var (
	matrixRows = map[string]int{matrixKinds[0]: 0, matrixKinds[1]: 1, matrixKinds[2]: 2, matrixKinds[3]: 3}
	matrixAlso = "machine, first-party application"
)

// matrixWant is what the doc's row of the kind says.
func matrixWant(t *testing.T, row docRow, permitted, granted bool, state, mode string) bool {
	t.Helper()
	counts := matrixCounts[row.counts]
	require.NotNil(t, counts, "the test does not know the phrase %q", row.counts)
	switch row.removal {
	case "403 after RoleTTL or an event": // with a Directory; without, rows 6 and 7
		return counts(permitted, granted) && (state == "member" || mode == "claims")
	case "when the token expires":
		return counts(permitted, granted)
	}
	t.Fatalf("the test does not know the phrase %q", row.removal)
	return false
}

// enter makes the state true of both users.
func (c *company) enter(t *testing.T, state string) {
	t.Helper()
	client := c.Management()
	for _, id := range []string{c.ada, c.bob} {
		switch state {
		case "removed":
			require.NoError(t, client.RemoveMembers(t.Context(), c.acme, id))
		case "blocked":
			_, err := client.UpdateUser(t.Context(), id, resource.UserPatch{Blocked: new(true)})
			require.NoError(t, err)
		case "deleted":
			require.NoError(t, client.DeleteUser(t.Context(), id))
		}
	}
}

// TestTenancyMatrix tries all 128 cells: four kinds of callers, with and without the
// permission, with and without the scope, in four states, in both modes. Ada has the
// role, and Bob has none. What is right is read out of the table of the package's doc.
func TestTenancyMatrix(t *testing.T) {
	t.Parallel()
	rows := docRows(t)
	require.Equal(t, docRow{"the same, first-party machine", "scopes or permissions", "when the token expires"}, rows[4])
	require.Equal(t, docRow{"without a Directory: user", "the same, as of the token's issue", ""}, rows[5])
	require.Equal(t, "without a Directory: blocked user", rows[6].caller) // "claims" of the matrix: goes on
	got := make(map[string]string)                                        // by cell
	for _, state := range matrixStates {
		c := newCompany(auth0test.Options{})
		base := map[bool]map[string]any{
			true:  claimsOf(t, c.AccessToken(c.ada, c.acme, invoicesAPI)),
			false: claimsOf(t, c.AccessToken(c.bob, c.acme, invoicesAPI)),
		}
		c.enter(t, state)
		for _, mode := range matrixModes {
			cfg := tenancy.GuardConfig{FirstParty: []string{matrixOurs}}
			if mode == "live" {
				cfg.Directory = c.Management()
			}
			h := c.extractor(t, cfg).require(tenancy.AllOf("read:invoices"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			for _, kind := range append(slices.Clone(matrixKinds), matrixAlso) {
				row, ok := matrixRows[kind]
				if !ok {
					row = 4
				}
				for _, permitted := range []bool{true, false} {
					for _, granted := range []bool{true, false} {
						status := tenancyStatus(h, c.acme, matrixToken(c, base[permitted], kind, permitted, granted))
						cell := fmt.Sprintf("%s|%t|%t|%s|%s", kind, permitted, granted, state, mode)
						got[cell] = map[int]string{200: "yes", 403: "no"}[status]
						want := map[bool]string{true: "yes", false: "no"}[matrixWant(t, rows[row], permitted, granted, state, mode)]
						assert.Equal(t, want, got[cell], "%s: status %d", cell, status)
					}
				}
			}
		}
	}
	require.Len(t, got, 128+32)
	sameTable(t, matrixTable(got))
}

func matrixTable(got map[string]string) string {
	var b strings.Builder
	word := map[bool]string{true: "yes", false: "no"}
	for _, mode := range matrixModes {
		fmt.Fprintf(&b, "\n### %s\n\n| caller | permission | scope | %s |\n|---|---|---|%s\n", mode, strings.Join(matrixStates, " | "), strings.Repeat("---|", len(matrixStates)))
		for _, kind := range matrixKinds {
			for _, permitted := range []bool{true, false} {
				for _, granted := range []bool{true, false} {
					fmt.Fprintf(&b, "| %s | %s | %s |", kind, word[permitted], word[granted])
					for _, state := range matrixStates {
						fmt.Fprintf(&b, " %s |", got[fmt.Sprintf("%s|%t|%t|%s|%s", kind, permitted, granted, state, mode)])
					}
					b.WriteString("\n")
				}
			}
		}
	}
	return b.String() + "\n"
}

// sameTable compares with docs/tenancy, or renews it.
func sameTable(t *testing.T, table string) {
	t.Helper()
	const file, begin, end = "../../../docs/tenancy/README.md", "<!-- matrix -->\n", "<!-- end -->"
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(have), begin)
	_, after, ok2 := strings.Cut(rest, end)
	require.True(t, ok && ok2, "the page has lost its marks")
	want := before + begin + table + end + after
	if os.Getenv("AUTH0KIT_UPDATE") == "1" {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(have), "run the test with AUTH0KIT_UPDATE=1")
}

// The case by its real way: a member who may read and delete logs in through an
// application that asks for reading.
func TestTenancyConsentOfALogin(t *testing.T) {
	t.Parallel()
	c := newCompany(auth0test.Options{})
	app := c.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	tokens, err := c.Login(t.Context(), auth0test.Login{ClientID: app.ID, Audience: invoicesAPI, OrgID: c.acme, Identifier: "ada@example.com",
		Password: "correct horse battery", Parameters: map[string]string{"scope": "openid read:invoices"}})
	require.NoError(t, err)
	assert.Equal(t, []any{"read:invoices", "write:invoices"}, claimsOf(t, tokens.Access)["permissions"], "Auth0 writes them all")
	for _, directory := range []tenancy.Directory{nil, c.Management()} {
		for name, want := range map[string]int{app.ID: 404, "another": 403} {
			x := c.extractor(t, tenancy.GuardConfig{FirstParty: []string{name}, Directory: directory})
			read, write := x.require(tenancy.AllOf("read:invoices"))(http.NotFoundHandler()), x.require(tenancy.AllOf("write:invoices"))(http.NotFoundHandler())
			assert.Equal(t, 404, tenancyStatus(read, c.acme, tokens.Access))
			assert.Equal(t, want, tenancyStatus(write, c.acme, tokens.Access), name)
		}
	}
}
