package mgmtapi

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// maxLogged is the size of the bodies that the log keeps of requests to the
// Management API and their answers; larger ones are left out.
const maxLogged = 4 << 10

// apiRecord is what the log keeps of an operation of the Management API.
type apiRecord struct {
	method, path, query, ip, userAgent string
	token                              *keys.Bearer
	request, answer                    []byte
	status                             int
}

// secretReads are the families whose reads are logged, as they return secrets.
var secretReads = []string{"/clients", "/connections", "/emails/provider", "/log-streams", "/resource-servers"}

// log writes what a request to the Management API did: "sapi" for a write,
// "mgmt_api_read" for reading secrets. The caller holds the mutex; a is encoded.
func (c *Call) log(a *Reply) {
	read := c.R.Method == http.MethodGet
	if a.Status >= 400 || c.Token == nil || read && !c.readsSecrets() {
		return
	}
	from := web.OriginOf(c.R)
	f := state.LogFields{Description: c.op.Title, ClientID: c.Token.Client, IP: from.IP, UserAgent: from.UserAgent}
	code := "sapi"
	if read {
		code = "mgmt_api_read"
	}
	rec := &apiRecord{
		method: strings.ToLower(c.R.Method), path: c.R.URL.EscapedPath(), query: c.R.URL.RawQuery,
		ip: from.IP, userAgent: from.UserAgent, token: c.Token, status: a.Status,
	}
	if body, _ := a.Body.([]byte); !read && len(body) <= maxLogged {
		rec.answer = body
	}
	if len(c.raw) <= maxLogged {
		rec.request = c.raw
	}
	c.T.Log(code, f).API = rec
}

func (c *Call) readsSecrets() bool {
	return slices.ContainsFunc(secretReads, func(p string) bool { return strings.HasPrefix(c.route.Pattern, p) })
}

// Details is what the log says of the operation.
func (r *apiRecord) Details() map[string]any {
	credentials := map[string]any{}
	if jti, has := r.token.Claims["jti"]; has {
		credentials["jti"] = jti
	}
	user := map[string]any{}
	if !strings.HasSuffix(r.token.Subject, "@clients") {
		user["user_id"] = r.token.Subject
	}
	query := map[string]any{}
	if values, err := url.ParseQuery(r.query); err == nil {
		for k := range values {
			query[k] = values.Get(k)
		}
	}
	return map[string]any{
		"request": map[string]any{
			"method": r.method, "path": r.path, "query": query, "userAgent": r.userAgent, "ip": r.ip, "channel": "api",
			"auth": map[string]any{"credentials": credentials, "strategy": "jwt", "user": user},
			"body": loggedBody(r.request),
		},
		"response": map[string]any{"statusCode": r.status, "body": loggedBody(r.answer)},
	}
}

// loggedBody is a body without its secrets.
func loggedBody(raw []byte) any {
	var v any
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return map[string]any{}
	}
	return masked(v, false)
}

// secretKeys are the properties whose values the log hides.
var secretKeys = []string{
	"password", "client_secret", "secret", "signing_secret", "encryption_key", "totp_secret", "access_token", "refresh_token",
	"api_key", "private_key", "token", "recovery_code", "splunkToken", "datadogApiKey", "httpAuthorization", "segmentWriteKey",
	"mixpanelServiceAccountPassword", "ticket", "ticket_url", "invitation_url", "pem", "smtp_pass", "secretAccessKey",
}

// masked hides secrets in a JSON value that nobody else holds; among the secrets
// of an Action every value is one.
func masked(v any, among bool) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = masked(v[i], among)
		}
	case map[string]any:
		for k, x := range v {
			_, text := x.(string)
			switch {
			case text && (slices.Contains(secretKeys, k) || among && k == "value"):
				v[k] = "*****"
			default:
				v[k] = masked(x, among || k == "secrets")
			}
		}
	}
	return v
}

// signupLogged is how long the entry of a user made by the Management API takes
// to appear. Auth0's log is late with all entries; the others come at once here.
const signupLogged = 5 * time.Second

// LogSignup writes the entry of a user whom the Management API made.
func (c *Call) LogSignup(u *state.User, con *state.Connection) {
	from := web.OriginOf(c.R)
	f := state.LogFields{
		UserID: u.ID, UserName: cmp.Or(u.Username, u.Email, u.Phone), ClientID: c.Token.Client, IP: from.IP, UserAgent: from.UserAgent,
		Connection: con.Name, ConnectionID: con.ID, Strategy: con.Strategy,
	}
	t := c.T
	if cl := t.Clients.Get(f.ClientID); cl != nil {
		f.ClientName, _ = cl.Doc["name"].(string)
	}
	t.Timeline.At(c.Now.Add(signupLogged), func(time.Time) { t.Log("ss", f) })
}
