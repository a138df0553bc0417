package tenancy_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy"
)

func TestDiagnose(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	machine := josetest.With(josetest.With(josetest.With(claims(i), "sub", "c@clients"), "scope", nil), "permissions", []string{})
	for name, c := range map[string]struct{ token, want string }{
		"all is well":     {token(i, "", nil), ""},
		"no RBAC":         {token(i, "permissions", nil), "Enable RBAC"},
		"scopes alone":    {token(i, "permissions", nil), "no permissions of users"},
		"tenant roles":    {token(i, "permissions", []string{}), "outside of it do not count"},
		"no organization": {token(i, "org_id", nil), "organization=org_"},
		"opaque":          {"eyJhbGciOiJkaXIi", "opaque"},
		"encrypted":       {"a.b.c.d.e", "encrypted"},
		"other API":       {token(i, "aud", "https://other"), "another API"},
		"other issuer":    {token(i, "iss", "https://other/"), "OtherIssuers"},
		"ID token":        {token(i, "nonce", "n"), "access token"},
		"ID of a login":   {i.Token(josetest.Header("rs"), map[string]any{"iss": i.ID, "sub": "auth0|1", "aud": "client", "iat": time.Now().Unix(), "exp": time.Now().Unix() + 60, "email": "ada@example.com"}), "The token is an ID token"},
		"expired":         {token(i, "exp", 1000), "expired"},
		"forged":          {josetest.Sign(josetest.RSA(1), josetest.Header("rs"), claims(i)), "forged"},
		"claims":          {token(i, "sub", nil), "256 members"},
		"machine":         {i.Token(josetest.Header("rs"), machine), "client grant"},
		"too long":        {strings.Repeat(".", 1<<20), "too_long"},
	} {
		found, err := x.Diagnose(t.Context(), c.token)
		text := strings.Join(found, "\n")
		if !strings.Contains(text, c.want) || (c.want == "") != (text == "") {
			t.Errorf("%s: got %q (%v), want something about %q", name, text, err, c.want)
		}
		if strings.Contains(text, "https://other") {
			t.Errorf("%s: %q repeats what is not verified", name, text)
		}
		if _, extracted := x.extract(t.Context(), c.token); !errors.Is(err, extracted) && err.Error() != extracted.Error() {
			t.Errorf("%s: the error is %v, want that of Extract, %v", name, err, extracted)
		}
	}
}

func TestDiagnoseLive(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	for name, c := range map[string]struct {
		change func(*directory)
		token  string
		want   string
	}{
		"not a member":     {func(d *directory) { clear(d.roles) }, token(i, "permissions", nil), "not a member"},
		"roles of others":  {func(d *directory) { clear(d.permissions) }, token(i, "permissions", nil), "(clerk, auditor) has a permission of " + audience},
		"stale token":      {func(*directory) {}, token(i, "permissions", []string{"admin:all"}), "differ"},
		"directory away":   {func(d *directory) { d.err = errors.New("away") }, token(i, "", nil), "Management API"},
		"nothing to say":   {func(*directory) {}, token(i, "permissions", []string{"write:invoices", "read:log", "read:invoices"}), ""},
		"claim not wanted": {func(*directory) {}, token(i, "permissions", nil), ""},
	} {
		d := newDirectory()
		c.change(d)
		found, err := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d}).Diagnose(t.Context(), c.token)
		text := strings.Join(found, "\n")
		if !strings.Contains(text, c.want) || (c.want == "") != (text == "") || (d.err != nil || name == "not a member") != (err != nil) {
			t.Errorf("%s: got %q (%v), want %q", name, text, err, c.want)
		}
	}
}

func TestDiagnoseWithoutKeys(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	i.Answer(http.StatusBadGateway, nil)
	found, err := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{}).Diagnose(t.Context(), token(i, "", nil))
	if len(found) != 1 || !errors.Is(err, tenancy.ErrUnavailable) {
		t.Errorf("got %q, %v", found, err)
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	const mine, other = `"organization":{"id":"org_acme"}`, `"organization":{"id":"org_other"}`
	i := josetest.NewIssuer()
	good := token(i, "", nil)
	for body, forgets := range map[string]bool{
		`{"type":"organization.member.role.deleted","data":{"object":{` + mine + `,"user":{"user_id":"auth0|1"},"role":{"id":"rol_clerk","name":"clerk"}}}}`:                         true,
		`{"type":"organization.member.role.assigned","data":{"object":{` + mine + `,"user":{"user_id":"auth0|1"}}}}`:                                                                 true,
		`{"type":"organization.member.added","data":{"object":{` + mine + `,"user":{"user_id":"auth0|1"}}}}`:                                                                         true,
		`{"type":"organization.member.deleted","data":{"object":{` + mine + `,"user":{"user_id":"auth0|1"}}}}`:                                                                       true,
		`{"type":"organization.member.deleted","data":{"object":{` + mine + `,"user":{"user_id":"auth0|2"}}}}`:                                                                       false,
		`{"type":"organization.member.deleted","data":{"object":{` + other + `,"user":{"user_id":"auth0|1"}}}}`:                                                                      false,
		`{"type":"organization.group.role.assigned","data":{"object":{` + mine + `,"group":{"id":"grp_1"}}}}`:                                                                        true,
		`{"type":"organization.group.role.deleted","data":{"object":{` + other + `,"group":{"id":"grp_1"}}}}`:                                                                        false,
		`{"type":"organization.deleted","data":{"object":{"id":"org_acme"}}}`:                                                                                                        true,
		`{"type":"group.member.deleted","data":{"object":{"group":{"id":"grp_1"},"member":{"member_type":"user","id":"auth0|1"}}}}`:                                                  true,
		`{"type":"group.member.deleted","data":{"object":{"group":{"id":"grp_1"},"member":{"member_type":"user","id":"auth0|2"}}}}`:                                                  false,
		`{"type":"group.member.added","data":{"object":{"member":{"member_type":"connection","id":"x"}}}}`:                                                                           true,
		`{"type":"group.deleted","data":{"object":{"id":"grp_1"}}}`:                                                                                                                  true,
		`{"type":"user.updated","data":{"object":{"user_id":"auth0|1"}}}`:                                                                                                            false,
		`{"type":"user.created","data":{"object":{"user_id":"auth0|1"}}}`:                                                                                                            false,
		`{"type":"organization.member.role.deleted","offset":"o","event":{"type":"organization.member.role.deleted","data":{"object":{` + mine + `,"user":{"user_id":"auth0|1"}}}}}`: true,
	} {
		d := newDirectory()
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
		mustExtract(t, x, good)
		d.set(func() { d.roles[orgID+" auth0|1"] = []resource.Role{} })
		if err := x.Observe(t.Context(), []byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if forgot := len(mustExtract(t, x, good).Permissions) == 0; forgot != forgets {
			t.Errorf("%s: forgot is %t, want %t", body, forgot, forgets)
		}
	}
}

func TestObserveRefuses(t *testing.T) {
	t.Parallel()
	x := extractor(t, josetest.NewIssuer(), tenancy.FromToken, tenancy.GuardConfig{})
	for _, body := range []string{
		``, `[7]`, `{"type":7}`, `{"type":"user.deleted","data":{}}`, `{"type":"sdu"}`,
		`{"type":"organization.member.role.deleted","data":{"object":{"user":{"user_id":"auth0|1"}}}}`,
		`{"type":"organization.deleted","data":{}}`,
		`{"type":"organization.group.role.deleted","data":{"object":{}}}`,
	} {
		if err := x.Observe(t.Context(), []byte(body)); err == nil {
			t.Errorf("%s is accepted", body)
		}
	}
	if err := x.Observe(t.Context(), []byte(`{"type":"group.deleted"}`)); err != nil {
		t.Errorf("without a Directory: %v", err)
	}
}
