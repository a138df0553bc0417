package auth0test

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
)

// maxBody is the largest JSON body that is read.
const maxBody = 1 << 20

// call is one authenticated and validated request to the Management API.
type call struct {
	t      *Tenant
	w      http.ResponseWriter // For headers only: the answer is the handler's reply.
	r      *http.Request
	route  *route
	op     *operation
	params map[string]string // Of the path, unescaped.
	query  url.Values
	body   map[string]any // The JSON object; empty without one.
	list   []any          // The JSON array, where the operation takes one.
	token  *bearer        // Nil on an open route.
	raw    []byte         // The body as it was sent.
	now    time.Time
}

// path returns a part of the path.
func (c *call) path(name string) string { return c.params[name] }

// issuer is the tenant's URL under the host that the caller used, with a slash.
func (c *call) issuer() string { return issuerOf(c.r) }

// issuerOf is the issuer under the host of a request.
func issuerOf(r *http.Request) string {
	if r.TLS == nil && r.URL.Scheme != "https" {
		return "http://" + r.Host + "/"
	}
	return "https://" + r.Host + "/"
}

func (c *call) flag(name string) bool { return c.query.Get(name) == "true" }

// str returns a string of the body, empty when it is absent or null.
func (c *call) str(name string) string { s, _ := c.body[name].(string); return s }

// yes returns a boolean of the body.
func (c *call) yes(name string) bool { b, _ := c.body[name].(bool); return b }

func (c *call) has(name string) bool { _, has := c.body[name]; return has }

// strs returns an array of strings of the body.
func (c *call) strs(name string) []string { return stringsOf(c.body[name]) }

// obj returns an object of the body, nil when it is absent.
func (c *call) obj(name string) map[string]any { m, _ := c.body[name].(map[string]any); return m }

// num returns a number of the body, zero when it is absent.
func (c *call) num(name string) float64 { f, _ := c.body[name].(float64); return f }

func stringsOf(v any) []string {
	items, _ := v.([]any)
	out := make([]string, 0, len(items))
	for _, i := range items {
		if s, ok := i.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// read takes the body apart. Old SDKs send null or {} with GET and DELETE, and
// Auth0 takes that for nothing.
func (c *call) read() *reply {
	if c.route.form {
		return nil
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
			return fail(http.StatusRequestEntityTooLarge, "Payload content length greater than maximum allowed: "+strconv.Itoa(maxBody), "")
		}
		panic(http.ErrAbortHandler) // The caller went away.
	}
	c.raw = raw
	if len(strings.TrimSpace(string(raw))) == 0 {
		return c.validate(nil)
	}
	if kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		return c.readForm(string(raw))
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return badRequest("Invalid request payload JSON format", "")
	}
	return c.validate(v)
}

func (c *call) readForm(raw string) *reply {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return badRequest("Invalid request payload JSON format", "")
	}
	m := make(map[string]any, len(q))
	for k := range q {
		m[k] = q.Get(k)
	}
	return c.validate(m)
}

func (c *call) validate(v any) *reply {
	m, isObject := v.(map[string]any)
	nothing := map[string]any{}
	bodyless := c.r.Method == http.MethodGet || c.r.Method == http.MethodDelete
	if v == nil || bodyless && isObject && len(m) == 0 {
		if c.op.Body.check(nothing) == nil {
			c.body = nothing
			return nil
		}
	}
	if bad := c.op.Body.check(v); bad != nil {
		return badRequest(bad.message("Payload"), "invalid_body")
	}
	c.body, _ = v.(map[string]any)
	c.list, _ = v.([]any)
	if c.body == nil {
		c.body = map[string]any{}
	}
	return nil
}

// checkParams validates the query and the path.
func (c *call) checkParams() *reply {
	for _, p := range c.op.Params {
		if p.In == "path" {
			if bad := p.checkText(c.path(p.Name)); bad != nil {
				return badRequest(bad.message("Path"), "invalid_uri")
			}
			continue
		}
		values, present := c.query[p.Name]
		if !present {
			values, present = c.query[p.Name+"[]"]
		}
		if !present {
			if p.Required {
				v := violation{text: "Missing required property: " + p.Name}
				return badRequest(v.message("Query"), "invalid_query_string")
			}
			continue
		}
		for _, v := range values {
			if bad := p.checkText(v); bad != nil {
				return badRequest(bad.message("Query"), "invalid_query_string")
			}
		}
	}
	return nil
}

// checkText checks a parameter, which is text whatever its type.
func (p *param) checkText(text string) *violation {
	s := p.Schema
	for s != nil && s.Ref != "" {
		s = s.target
	}
	if s == nil {
		return nil
	}
	var v any = text
	switch {
	case s.Type.allow("array"):
		s = s.Items
	case s.Type.allow("string"):
	case s.Type.allow("number") || s.Type.allow("integer"):
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			v = f
		}
	case s.Type.allow("boolean"):
		if text == "true" || text == "false" {
			v = text == "true"
		}
	}
	return s.at(v, p.Name)
}
