package mgmtapi

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// Call is one authenticated and validated request to the Management API.
type Call struct {
	api    *API
	T      *state.Tenant
	W      http.ResponseWriter // For headers only: the answer is the handler's reply.
	R      *http.Request
	route  *Route
	op     *schema.Operation
	Params map[string]string // Of the path, unescaped.
	Query  url.Values
	Body   map[string]any // The JSON object; empty without one.
	List   []any          // The JSON array, where the operation takes one.
	Token  *keys.Bearer
	raw    []byte // The body as it was sent.
	Now    time.Time
}

// Path returns a part of the path.
func (c *Call) Path(name string) string { return c.Params[name] }

// Issuer is the tenant's URL under the host that the caller used, with a slash.
func (c *Call) Issuer() string { return web.IssuerOf(c.R) }

// Asks reports whether a value is what the query names, if it names any.
func (c *Call) Asks(name, value string) bool {
	return c.Query.Get(name) == "" || c.Query.Get(name) == value
}

func (c *Call) Flag(name string) bool { return c.Query.Get(name) == "true" }

// Str returns a string of the body, empty when it is absent or null.
func (c *Call) Str(name string) string { s, _ := c.Body[name].(string); return s }

// Yes returns a boolean of the body.
func (c *Call) Yes(name string) bool { b, _ := c.Body[name].(bool); return b }

func (c *Call) Has(name string) bool { _, has := c.Body[name]; return has }

// Strs returns an array of strings of the body.
func (c *Call) Strs(name string) []string { return store.StringsOf(c.Body[name]) }

// Obj returns an object of the body, nil when it is absent.
func (c *Call) Obj(name string) map[string]any { m, _ := c.Body[name].(map[string]any); return m }

// Num returns a number of the body, zero when it is absent.
func (c *Call) Num(name string) float64 { f, _ := c.Body[name].(float64); return f }

// read takes the body apart. Old SDKs send null or {} with GET and DELETE, and
// Auth0 takes that for nothing.
func (c *Call) read() *Reply {
	if c.route.Form {
		return nil
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.W, c.R.Body, web.MaxBody))
	if err != nil {
		if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
			return Fail(http.StatusRequestEntityTooLarge, "Payload content length greater than maximum allowed: "+strconv.Itoa(web.MaxBody), "")
		}
		panic(http.ErrAbortHandler) // The caller went away.
	}
	c.raw = raw
	if len(strings.TrimSpace(string(raw))) == 0 {
		return c.validate(nil)
	}
	if kind, _, _ := mime.ParseMediaType(c.R.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		return c.readForm(string(raw))
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return BadRequest("Invalid request payload JSON format", "")
	}
	return c.validate(v)
}

func (c *Call) readForm(raw string) *Reply {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return BadRequest("Invalid request payload JSON format", "")
	}
	m := make(map[string]any, len(q))
	for k := range q {
		m[k] = q.Get(k)
	}
	return c.validate(m)
}

func (c *Call) validate(v any) *Reply {
	m, isObject := v.(map[string]any)
	nothing := map[string]any{}
	bodyless := c.R.Method == http.MethodGet || c.R.Method == http.MethodDelete
	if v == nil || bodyless && isObject && len(m) == 0 {
		if c.op.Body.Check(nothing) == nil {
			c.Body = nothing
			return nil
		}
	}
	if bad := c.op.Body.Check(v); bad != nil {
		return BadRequest(bad.Message("Payload"), "invalid_body")
	}
	if bad := c.checkSettings(v); bad != nil {
		return bad
	}
	c.Body, _ = v.(map[string]any)
	c.List, _ = v.([]any)
	if c.Body == nil {
		c.Body = map[string]any{}
	}
	return nil
}

// checkSettings refuses a setting that the tenant would keep and not heed.
func (c *Call) checkSettings(v any) *Reply {
	name := c.op.RefusedSetting(v, c.T.Options.IgnoredSettings, c.T.RunsActions())
	if name == "" {
		return nil
	}
	status := http.StatusNotImplemented
	if c.T.Options.Missing != status {
		status = http.StatusBadRequest // 404 would say that the resource is missing.
	}
	return Fail(status, "auth0test does not implement the setting "+name+"; Options.IgnoredSettings lets it be kept and shown", "auth0test_setting_not_implemented")
}

// checkParams validates the query and the path.
func (c *Call) checkParams() *Reply {
	for _, p := range c.op.Params {
		if p.In == "path" {
			if bad := checkText(&p, c.Path(p.Name)); bad != nil {
				return BadRequest(bad.Message("Path"), "invalid_uri")
			}
			continue
		}
		values, present := c.Query[p.Name]
		if !present {
			values, present = c.Query[p.Name+"[]"]
		}
		if !present {
			if p.Required {
				v := schema.Violation{Text: "Missing required property: " + p.Name}
				return BadRequest(v.Message("Query"), "invalid_query_string")
			}
			continue
		}
		for _, v := range values {
			if bad := checkText(&p, v); bad != nil {
				return BadRequest(bad.Message("Query"), "invalid_query_string")
			}
		}
	}
	return nil
}

// checkText checks a parameter, which is text whatever its type.
func checkText(p *schema.Param, text string) *schema.Violation {
	s := p.Schema
	for s != nil && s.Ref != "" {
		s = s.Target
	}
	if s == nil {
		return nil
	}
	var v any = text
	switch {
	case s.Type.Allow("array"):
		s = s.Items
	case s.Type.Allow("string"):
	case s.Type.Allow("number") || s.Type.Allow("integer"):
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			v = f
		}
	case s.Type.Allow("boolean"):
		if text == "true" || text == "false" {
			v = text == "true"
		}
	}
	return s.At(v, p.Name)
}
