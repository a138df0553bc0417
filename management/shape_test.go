package management

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/resource"
)

// verbs are all methods of Client that ask Auth0 something, with what they say
// of its answer.
func verbs() map[string]func(*Client, context.Context) error {
	return map[string]func(*Client, context.Context) error{
		"User":         func(c *Client, ctx context.Context) error { _, err := c.User(ctx, "auth0|1"); return err },
		"UsersByEmail": func(c *Client, ctx context.Context) error { _, err := c.UsersByEmail(ctx, "a@example.com"); return err },
		"SearchUsers":  func(c *Client, ctx context.Context) error { return drain(c.SearchUsers(ctx, "")) },
		"CreateUser": func(c *Client, ctx context.Context) error {
			_, err := c.CreateUser(ctx, resource.NewUser{User: resource.User{Connection: "Users"}})
			return err
		},
		"UpdateUser": func(c *Client, ctx context.Context) error {
			_, err := c.UpdateUser(ctx, "auth0|1", resource.UserPatch{Name: new("Ada")})
			return err
		},
		"Check": (*Client).probe, // What it reads with the token.
		"CheckSettings": func(c *Client, ctx context.Context) (err error) {
			for _, need := range []Need{
				NeedGrantType("c", "g"), NeedBackChannelLogout("c", "u"), NeedCallback("c", "u"), NeedLogoutURL("c", "u"), NeedConnection("n", "c"),
				NeedOfflineAccess("a"), NeedRBAC("a"), NeedFactor("otp"), NeedConnectionOption("n", "o", false),
			} {
				if err = c.CheckSettings(ctx, need); !errors.Is(err, ErrUnavailable) {
					return err
				}
			}
			return err
		},
		"DeleteUser":            func(c *Client, ctx context.Context) error { return c.DeleteUser(ctx, "auth0|1") },
		"SendVerificationEmail": func(c *Client, ctx context.Context) error { return c.SendVerificationEmail(ctx, "auth0|1") },
		"Members":               func(c *Client, ctx context.Context) error { return drain(c.Members(ctx, "org_1")) },
		"AddMembers":            func(c *Client, ctx context.Context) error { return c.AddMembers(ctx, "org_1", "auth0|1") },
		"RemoveMembers":         func(c *Client, ctx context.Context) error { return c.RemoveMembers(ctx, "org_1", "auth0|1") },
		"MemberRoles": func(c *Client, ctx context.Context) error {
			_, err := c.MemberRoles(ctx, "org_1", "auth0|1")
			return err
		},
		"AssignMemberRoles": func(c *Client, ctx context.Context) error {
			return c.AssignMemberRoles(ctx, "org_1", "auth0|1", "rol_1")
		},
		"RemoveMemberRoles": func(c *Client, ctx context.Context) error {
			return c.RemoveMemberRoles(ctx, "org_1", "auth0|1", "rol_1")
		},
		"Invitations": func(c *Client, ctx context.Context) error { return drain(c.Invitations(ctx, "org_1")) },
		"CreateInvitation": func(c *Client, ctx context.Context) error {
			_, err := c.CreateInvitation(ctx, "org_1", resource.NewInvitation{ClientID: "c", Inviter: "i", Email: "a@example.com"})
			return err
		},
		"DeleteInvitation": func(c *Client, ctx context.Context) error { return c.DeleteInvitation(ctx, "org_1", "uinv_1") },
		"OrganizationConnections": func(c *Client, ctx context.Context) error {
			_, err := c.OrganizationConnections(ctx, "org_1")
			return err
		},
		"GroupHolders": func(c *Client, ctx context.Context) error {
			_, err := c.GroupHolders(ctx, "org_1", "rol_1")
			return err
		},
		"Role":            func(c *Client, ctx context.Context) error { _, err := c.Role(ctx, "rol_1"); return err },
		"RolePermissions": func(c *Client, ctx context.Context) error { _, err := c.RolePermissions(ctx, "rol_1"); return err },
		"Roles":           func(c *Client, ctx context.Context) error { _, err := c.Roles(ctx); return err },
		"RemoveRoles":     func(c *Client, ctx context.Context) error { return c.RemoveRoles(ctx, "auth0|1", "rol_1") },
		"RoleByName":      func(c *Client, ctx context.Context) error { _, err := c.RoleByName(ctx, "admin"); return err },
		"CreateRole":      func(c *Client, ctx context.Context) error { _, err := c.CreateRole(ctx, "admin"); return err },
		"Organization":    func(c *Client, ctx context.Context) error { _, err := c.Organization(ctx, "org_1"); return err },
		"OrganizationByName": func(c *Client, ctx context.Context) error {
			_, err := c.OrganizationByName(ctx, "acme")
			return err
		},
		"DatabaseConnections": func(c *Client, ctx context.Context) error { _, err := c.DatabaseConnections(ctx); return err },
		"SetConnectionOptions": func(c *Client, ctx context.Context) error {
			return c.SetConnectionOptions(ctx, "con_1", map[string]any{"import_mode": true})
		},
		"AssignRoles":   func(c *Client, ctx context.Context) error { return c.AssignRoles(ctx, "auth0|1", "rol_1") },
		"Organizations": func(c *Client, ctx context.Context) error { return drain(c.Organizations(ctx)) },
		"CreateOrganization": func(c *Client, ctx context.Context) error {
			_, err := c.CreateOrganization(ctx, resource.Organization{Name: "acme"})
			return err
		},
		"UserOrganizations": func(c *Client, ctx context.Context) error { _, err := c.UserOrganizations(ctx, "auth0|1"); return err },
		"RoleUsers":         func(c *Client, ctx context.Context) error { return drain(c.RoleUsers(ctx, "rol_1")) },
		"Connection":        func(c *Client, ctx context.Context) error { _, err := c.Connection(ctx, "Users"); return err },
		"ImportUsers": func(c *Client, ctx context.Context) error {
			_, err := c.ImportUsers(ctx, resource.Import{ConnectionID: "con_1", Users: []byte("[]")})
			return err
		},
		"Job":         func(c *Client, ctx context.Context) error { _, err := c.Job(ctx, "job_1"); return err },
		"JobErrors":   func(c *Client, ctx context.Context) error { _, err := c.JobErrors(ctx, "job_1"); return err },
		"ExportUsers": func(c *Client, ctx context.Context) error { return drain(c.ExportUsers(ctx, "con_1")) },
		"Logs":        func(c *Client, ctx context.Context) error { return drain(c.Logs(ctx, "")) },
		"Actions":     func(c *Client, ctx context.Context) error { _, err := c.Actions(ctx, ""); return err },
		"CreateAction": func(c *Client, ctx context.Context) error {
			_, err := c.CreateAction(ctx, resource.Action{Name: "n", Code: "c"})
			return err
		},
		"UpdateAction": func(c *Client, ctx context.Context) error {
			_, err := c.UpdateAction(ctx, "a1", resource.Action{Name: "n"})
			return err
		},
		"DeployAction":   func(c *Client, ctx context.Context) error { _, err := c.DeployAction(ctx, "a1"); return err },
		"DeleteAction":   func(c *Client, ctx context.Context) error { return c.DeleteAction(ctx, "a1") },
		"ActionVersions": func(c *Client, ctx context.Context) error { _, err := c.ActionVersions(ctx, "a1"); return err },
		"DeployActionVersion": func(c *Client, ctx context.Context) error {
			_, err := c.DeployActionVersion(ctx, "a1", "v1")
			return err
		},
		"Bindings":    func(c *Client, ctx context.Context) error { _, err := c.Bindings(ctx, "post-login"); return err },
		"SetBindings": func(c *Client, ctx context.Context) error { return c.SetBindings(ctx, "post-login", nil) },
		"AuthenticationMethods": func(c *Client, ctx context.Context) error {
			_, err := c.AuthenticationMethods(ctx, "auth0|1")
			return err
		},
		"CreateAuthenticationMethod": func(c *Client, ctx context.Context) error {
			_, err := c.CreateAuthenticationMethod(ctx, "auth0|1", resource.NewAuthenticationMethod{Type: "totp"})
			return err
		},
		"DeleteAuthenticationMethod": func(c *Client, ctx context.Context) error {
			return c.DeleteAuthenticationMethod(ctx, "auth0|1", "m1")
		},
		"DeleteAuthenticators": func(c *Client, ctx context.Context) error { return c.DeleteAuthenticators(ctx, "auth0|1") },
		"Factors":              func(c *Client, ctx context.Context) error { _, err := c.Factors(ctx); return err },
		"SetFactor":            func(c *Client, ctx context.Context) error { return c.SetFactor(ctx, "otp", true) },
		"CreateEnrollmentTicket": func(c *Client, ctx context.Context) error {
			_, err := c.CreateEnrollmentTicket(ctx, "auth0|1", "")
			return err
		},
		"RegenerateRecoveryCode": func(c *Client, ctx context.Context) error {
			_, err := c.RegenerateRecoveryCode(ctx, "auth0|1")
			return err
		},
		"InvalidateRememberedBrowsers": func(c *Client, ctx context.Context) error { return c.InvalidateRememberedBrowsers(ctx, "auth0|1") },
		"PasswordTicket":               func(c *Client, ctx context.Context) error { _, err := c.PasswordTicket(ctx, "auth0|1", 0); return err },
		"RevokeRefreshTokens":          func(c *Client, ctx context.Context) error { return c.RevokeRefreshTokens(ctx, "auth0|1") },
		"RevokeSession":                func(c *Client, ctx context.Context) error { return c.RevokeSession(ctx, "sid1") },
		"RevokeAccess":                 func(c *Client, ctx context.Context) error { return c.RevokeAccess(ctx, "auth0|1") },
	}
}

func drain[T any](seq iter.Seq2[T, error]) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

// withoutContent are the verbs for which Auth0 documents 204 (or 202).
var withoutContent = []string{
	"DeleteUser", "AddMembers", "RemoveMembers", "AssignMemberRoles", "RemoveMemberRoles", "DeleteInvitation", "JobErrors", "DeleteAction",
	"DeleteAuthenticationMethod", "DeleteAuthenticators", "InvalidateRememberedBrowsers", "RevokeRefreshTokens", "RevokeSession", "RevokeAccess", "AssignRoles", "RemoveRoles",
}

// endless is a body of 100 MB.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	e.left -= n
	return n, nil
}

// An answer of 2xx that lacks what the verb is for is no yes, whatever the verb.
func TestAnswersOfAnotherShape(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"empty": "", "null": "null", "object": "{}", "maintenance": `{"message":"maintenance"}`, "text": `"ok"`, "number": "7", "list of null": "[null]",
		"list of objects": "[{}]", "HTML": "<html>ok</html>", "truncated": `{"user_id":"auth0|1","id":"x"`, "empty id": `{"id":"","user_id":null}`,
		"wrong lists": `{"users":{},"members":null,"roles":[null],"logs":1}`,
	}
	table := verbs()
	for _, skipped := range []string{"API", "HTTPClient", "Issuer"} {
		table[skipped] = nil
	}
	for i := range reflect.TypeFor[*Client]().NumMethod() {
		assert.Contains(t, table, reflect.TypeFor[*Client]().Method(i).Name, "a verb without a line in this table")
	}
	for name, call := range verbs() {
		for body, text := range bodies {
			assertRefused(t, name+", "+body, call, func(req *http.Request) *http.Response { return answerOf(req, 200, text) })
		}
		assertRefused(t, name+", 100 MB", call, func(req *http.Request) *http.Response {
			resp := answerOf(req, 200, "")
			resp.Body = io.NopCloser(&endless{100 << 20})
			if resp.ContentLength = 100 << 20; name == "User" || name == "DeleteUser" {
				resp.ContentLength = -1
			}
			return resp
		})
		noContent := func(req *http.Request) *http.Response { return answerOf(req, 204, "") }
		if !slices.Contains(withoutContent, name) {
			assertRefused(t, name+", 204", call, noContent)
			continue
		}
		assert.NoError(t, call(answers(noContent).client(t, 0), t.Context()), name)
	}
}

func assertRefused(t *testing.T, name string, call func(*Client, context.Context) error, answer func(*http.Request) *http.Response) {
	t.Helper()
	wrote := false
	err := call(answers(func(req *http.Request) *http.Response {
		wrote = wrote || writes(req.Method)
		return answer(req)
	}).client(t, 0), t.Context())
	if !assert.ErrorIs(t, err, ErrUnavailable, name) {
		return
	}
	checkSilent(t, err)
	assert.Equal(t, wrote, errors.Is(err, ErrOutcomeUnknown), name)
}

// A refusal of the token endpoint holds for the next calls, as long as it says,
// at most two minutes.
func TestRefusedTokensAreNotAskedForAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		answer func(*http.Request) *http.Response
		asked  int
		after  time.Duration
	}{
		{status(401), 1, 11 * time.Second},
		{status(403), 1, 11 * time.Second},
		{status(429, "Retry-After", "3600"), 1, 2*time.Minute + time.Second},
		{status(503, "Retry-After", "86400"), 1, 2*time.Minute + time.Second},
		{func(req *http.Request) *http.Response { return answerOf(req, 500, `{"error":"access_denied"}`) }, 1, 0}, // An Action denied.
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			c, err := New(Config{Domain: testDomain, ClientID: "client", ClientSecret: "secret",
				HTTPClient: &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
					asked++
					return tc.answer(req), nil
				})}})
			require.NoError(t, err)
			if tc.after == 0 {
				require.Error(t, c.DeleteUser(t.Context(), "auth0|1"))
				require.Equal(t, tc.asked, asked)
				return
			}
			for range 50 {
				require.Error(t, c.DeleteUser(t.Context(), "auth0|1"))
			}
			require.Equal(t, tc.asked, asked)
			time.Sleep(tc.after)
			require.Error(t, c.DeleteUser(t.Context(), "auth0|1"))
			require.Equal(t, tc.asked+1, asked)
		})
	}
}

// No sentinel's prefix is repeated inside a text, and a status without a name
// has no trailing space.
func TestTexts(t *testing.T) {
	t.Parallel()
	err := &resource.Error{Op: "create user", StatusCode: 520, Err: fmt.Errorf("%w: %w", ErrOutcomeUnknown, ErrUnavailable)}
	require.Equal(t, "auth0: create user: 520: sent, but the outcome is not known: unavailable", err.Error())
}
