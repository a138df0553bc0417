package management

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// leads are peers that never come to an end: each names a next page by the number of
// the page that is asked for, and how many items are on it.
var leads = map[string]struct {
	next  func(page int) string
	items int
	most  int64 // Pages that it may cost to find out.
}{
	"empty pages, a new name each": {func(n int) string { return fmt.Sprint("p", n+1) }, 0, 10},
	"the same name each":           {func(int) string { return "p1" }, 100, 4},
	"a circle":                     {func(n int) string { return fmt.Sprint("p", (n+1)%7) }, 100, 25},
	"a way into a circle":          {func(n int) string { return fmt.Sprint("p", min(n, 20)+1-n/20*n%5) }, 100, 100},
}

// A list that names next pages for ever ends with an error, for each verb that
// follows such names.
func TestPagesWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, lead := range leads {
		for verb, v := range map[string]struct {
			route string
			key   string
			item  func(i int) any
			call  func(c *Client) error
		}{
			"Members": {"GET organizations/{org}/members", "members", numberedUser, func(c *Client) error {
				_, err := collect(c.Members(t.Context(), "org_1"))
				return err
			}},
			"Organizations": {"GET organizations", "organizations", func(i int) any { return map[string]any{"id": fmt.Sprint("org_", i)} }, func(c *Client) error {
				_, err := collect(c.Organizations(t.Context()))
				return err
			}},
			"RoleUsers": {"GET roles/{id}/users", "users", numberedUser, func(c *Client) error {
				_, err := collect(c.RoleUsers(t.Context(), "rol_1"))
				return err
			}},
			"MemberRoles": {"GET organizations/{org}/members/{user}/effective-roles", "roles", func(i int) any { return map[string]any{"id": fmt.Sprint("rol_", i)} }, func(c *Client) error {
				_, err := c.MemberRoles(t.Context(), "org_1", "auth0|1")
				return err
			}},
		} {
			t.Run(verb+", "+name, func(t *testing.T) {
				t.Parallel()
				var asked atomic.Int64
				s := newScript(t)
				s.handle(v.route, func(w http.ResponseWriter, r *http.Request) {
					require.Less(t, asked.Add(1), int64(200), "it goes on and on")
					page, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Query().Get("from"), "p"))
					items := []any{}
					for i := range lead.items {
						items = append(items, v.item(i))
					}
					reply(w, 200, map[string]any{v.key: items, "next": lead.next(page)})
				})
				err := v.call(s.client())
				require.ErrorIs(t, err, ErrUnavailable)
				assert.Contains(t, err.Error(), "pages")
				assert.LessOrEqual(t, asked.Load(), lead.most)
			})
		}
	}
}

// However new the names and the items: what Auth0 keeps small is not collected
// without a bound, and no list is followed for ever.
func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	p := pages{most: maxPages}
	for n := range maxPages - 1 {
		require.NoError(t, p.follow("list", fmt.Sprint(n), true))
	}
	require.ErrorIs(t, p.follow("list", "one more", true), ErrUnavailable)

	_, err := collect(func(yield func(int, error) bool) {
		for i := 0; yield(i, nil); i++ {
			require.LessOrEqual(t, i, maxCollected)
		}
	})
	require.ErrorIs(t, err, ErrUnavailable)
}

// Logs end where a peer brings nothing new.
func TestLogsWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(n int64) string{
		"a new name each": func(n int64) string { return fmt.Sprint("p", n) },
		"a circle":        func(n int64) string { return fmt.Sprint("p", n%5) },
	} {
		var asked atomic.Int64
		s := newScript(t)
		s.handle("GET logs", func(w http.ResponseWriter, r *http.Request) {
			n := asked.Add(1)
			require.Less(t, n, int64(200), "it goes on and on")
			w.Header().Set("Link", `<https://x/api/v2/logs?from=`+next(n)+`>; rel="next"`)
			reply(w, 200, []any{map[string]any{"_id": "1", "log_id": "1", "type": "s", "date": "2026-01-02T03:04:05Z"}})
		})
		var err error
		for _, err = range s.client().Logs(t.Context(), "") {
			if err != nil {
				break
			}
		}
		require.ErrorIs(t, err, ErrUnavailable, name)
	}
}
