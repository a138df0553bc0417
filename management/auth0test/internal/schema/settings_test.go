package schema

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// properties collects the paths of a body's properties that want a mark: what is
// below a displayed or a refused one has its mark.
func properties(s *Shape, path string, marked func(string) string, found map[string]bool) {
	if s == nil {
		return
	}
	s = s.last()
	for _, part := range slices.Concat([]*Shape{s.Items}, s.AnyOf, s.OneOf, s.AllOf) {
		properties(part, path, marked, found)
	}
	for name, p := range s.Properties {
		at := path + "." + name
		found[at] = true
		if marked(at) != Display && marked(at) != Refused {
			properties(p, at, marked, found)
		}
	}
}

// TestEverySettingIsMarked: a property that Auth0's description gets tomorrow
// has to be looked at, and a mark without a property is gone.
func TestEverySettingIsMarked(t *testing.T) {
	t.Parallel()
	l := theLedger()
	marked := func(path string) string {
		if s := l.byPath[path]; s != nil {
			return s.Mark
		}
		return ""
	}
	found := map[string]bool{}
	for route, family := range l.familyOf {
		method, path, _ := strings.Cut(route, " ")
		require.True(t, Has(method, path), "%s: there is no %s", family, route)
		properties(Lookup(method, path).Body, family, marked, found)
	}
	for path := range found {
		assert.Contains(t, []string{Effect, Display, Refused, Scripts}, marked(path), "settings.txt does not mark %s", path)
	}
	for path, s := range l.byPath {
		if s.Family == "network-acls" || s.Family == "event-streams" {
			continue // spec.json keeps no shape of their bodies.
		}
		assert.True(t, found[path], "settings.txt marks %s, which there is not", path)
	}
	assert.Len(t, l.byPath, len(l.lines), "a setting is marked twice")
}

// TestSettingsPage holds docs/auth0test/settings.md to the ledger;
// AUTH0KIT_UPDATE=1 writes it.
func TestSettingsPage(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "..", "..", "..", "docs", "auth0test", "settings.md")
	var b strings.Builder
	b.WriteString("# What a setting does\n\n" +
		"Every property that the Management API takes for these resources, and what it does in the tenant of `auth0test`:\n\n" +
		"- **effect**: the tenant behaves as it says.\n" +
		"- **display**: it is kept and shown, and changes nothing. What is below such an object is the same.\n" +
		"- **refused**: Auth0 would refuse or protect something for it that the tenant would let pass, so the tenant answers 501 (400 where `Options.Missing` is set) with the errorCode `auth0test_setting_not_implemented`. Values that change nothing (null, false, empty, and those in the last column) are taken. `Options.IgnoredSettings` lets settings be kept and shown by their names here (`clients.token_quota`), by the family (`clients`), or all (`*`).\n" +
		"- **scripts**: effect where `Tenant.RunScripts` was called, refused where not.\n\n" +
		"Every property of Auth0's description is marked: a test fails on one that is not. Of `network-acls` and `event-streams` the tenant knows no description, so properties that this page does not name are refused there as well.\n\n" +
		"This page is written by a test from the table that the tenant runs by.\n")
	byFamily := map[string][]Setting{}
	for _, s := range Settings() {
		byFamily[s.Family] = append(byFamily[s.Family], s)
	}
	for _, family := range slices.Sorted(maps.Keys(byFamily)) {
		marks := map[string]int{}
		for _, s := range byFamily[family] {
			marks[s.Mark]++
		}
		fmt.Fprintf(&b, "\n## %s\n\n%d effect, %d display, %d refused.\n\n| setting | mark | taken |\n|---|---|---|\n", family, marks[Effect]+marks[Scripts], marks[Display], marks[Refused])
		for _, s := range byFamily[family] {
			fmt.Fprintf(&b, "| `%s.%s` | %s | %s |\n", family, s.Path, s.Mark, strings.Join(s.Taken, ", "))
		}
	}
	if os.Getenv("AUTH0KIT_UPDATE") == "1" {
		require.NoError(t, os.WriteFile(page, []byte(b.String()), 0o644))
	}
	have, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(have), "run the test with AUTH0KIT_UPDATE=1")
}

func TestRefusedSetting(t *testing.T) {
	t.Parallel()
	client := Lookup("POST", "/clients")
	object := func(name string, v any) map[string]any { return map[string]any{"name": "a", name: v} }
	for name, c := range map[string]struct {
		body any
		want string
	}{
		"nothing":           {map[string]any{"name": "a"}, ""},
		"null":              {object("token_quota", nil), ""},
		"empty":             {object("signed_request_object", map[string]any{"required": false, "credentials": []any{}}), ""},
		"set":               {object("signed_request_object", map[string]any{"required": true}), "clients.signed_request_object"},
		"quota":             {object("token_quota", map[string]any{"client_credentials": map[string]any{"per_hour": 1.0}}), "clients.token_quota"},
		"taken":             {object("compliance_level", "none"), ""},
		"not taken":         {object("compliance_level", "fapi1_adv_pkj_par"), "clients.compliance_level"},
		"sso":               {object("sso_disabled", true), "clients.sso_disabled"},
		"below, in a list":  {object("client_authentication_methods", map[string]any{"private_key_jwt": map[string]any{"credentials": []any{map[string]any{"alg": "RS384"}}}}), "clients.client_authentication_methods.private_key_jwt.credentials.alg"},
		"below what counts": {object("client_authentication_methods", map[string]any{"tls_client_auth": map[string]any{"credentials": []any{map[string]any{"id": "x"}}}}), "clients.client_authentication_methods.tls_client_auth"},
	} {
		assert.Equal(t, c.want, client.RefusedSetting(c.body, nil, false), name)
	}
	quota := object("token_quota", map[string]any{"client_credentials": map[string]any{"per_hour": 1.0}})
	for _, ignored := range []string{"*", "clients", "clients.token_quota"} {
		assert.Empty(t, client.RefusedSetting(quota, []string{ignored}, false), ignored)
	}
	assert.NotEmpty(t, client.RefusedSetting(quota, []string{"clients.token", "connections"}, false))
	assert.Empty(t, Lookup("POST", "/roles").RefusedSetting(quota, nil, false))
	acl := Lookup("POST", "/network-acls")
	assert.Equal(t, "network-acls.tomorrow", acl.RefusedSetting(object("tomorrow", true), []string{"network-acls.name"}, false), "no shape refuses it before")
	assert.Empty(t, acl.RefusedSetting(object("tomorrow", true), []string{"network-acls"}, false))
}
