package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSpecIsExtract holds spec.json to Auth0's OpenAPI description, a file that
// AUTH0KIT_OAS names; AUTH0KIT_UPDATE=1 writes it. The extract has the facts that
// requests are checked by: methods, paths, scopes, and names, types and bounds of
// parameters and of request bodies, and the titles of writes, which the tenant log
// says. Auth0's other texts stay out.
func TestSpecIsExtract(t *testing.T) {
	t.Parallel()
	file := os.Getenv("AUTH0KIT_OAS")
	if file == "" {
		t.Skip("AUTH0KIT_OAS names no description")
	}
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var doc object
	require.NoError(t, json.Unmarshal(raw, &doc))
	x := &extract{all: doc["components"].(object)["schemas"].(object), used: map[string]object{}}
	var b bytes.Buffer
	x.write(&b, doc["paths"].(object))
	if os.Getenv("AUTH0KIT_UPDATE") == "1" {
		require.NoError(t, os.WriteFile("spec.json", b.Bytes(), 0o644))
		return
	}
	require.True(t, bytes.Equal(specJSON, b.Bytes()), "spec.json is not the extract of %s: run this test with AUTH0KIT_UPDATE=1", file)
}

// tooBig are the families whose bodies are not described in auth0test: together
// they would be most of the file.
var tooBig = []string{"/flows", "/forms", "/prompts", "/event-streams", "/branding", "/network-acls"}

type object = map[string]any

// operationLine is one line of the extract.
type operationLine struct {
	Method string   `json:"method"`
	Path   string   `json:"path"`
	Title  string   `json:"title,omitempty"`
	Scopes []string `json:"scopes,omitempty"`
	Params []object `json:"params,omitempty"`
	Body   object   `json:"body,omitempty"`
}

type extract struct {
	all  object
	used map[string]object
}

func (x *extract) write(b *bytes.Buffer, paths object) {
	b.WriteString("{\"operations\":[\n")
	sep := ""
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		ops := paths[path].(object)
		for _, method := range slices.Sorted(maps.Keys(ops)) {
			fmt.Fprintf(b, "%s%s", sep, line(x.operation(strings.ToUpper(method), path, ops[method].(object))))
			sep = ",\n"
		}
	}
	b.WriteString("\n],\"schemas\":{\n")
	for i, name := range slices.Sorted(maps.Keys(x.used)) {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(b, "%q:%s", name, line(x.used[name]))
	}
	b.WriteString("\n}}\n")
}

func line(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func (x *extract) operation(method, path string, op object) operationLine {
	o := operationLine{Method: method, Path: path}
	if method != "GET" {
		o.Title, _ = op["summary"].(string)
	}
	for _, s := range list(op["security"]) {
		for _, v := range list(s.(object)["oAuth2ClientCredentials"]) {
			o.Scopes = append(o.Scopes, v.(string))
		}
	}
	for _, p := range list(op["parameters"]) {
		p := p.(object)
		if p["in"] == "header" {
			continue
		}
		o.Params = append(o.Params, object{
			"name": p["name"], "in": p["in"], "required": p["required"] == true,
			"schema": x.schema(p["schema"].(object)),
		})
	}
	body, ok := op["requestBody"].(object)
	if !ok {
		return o
	}
	if slices.ContainsFunc(tooBig, func(p string) bool { return strings.HasPrefix(path, p) }) {
		return o
	}
	if c, ok := body["content"].(object)["application/json"].(object); ok {
		o.Body = x.schema(c["schema"].(object))
	}
	return o
}

// schema keeps what validation needs.
func (x *extract) schema(s object) object {
	if ref, ok := s["$ref"].(string); ok {
		name := ref[strings.LastIndexByte(ref, '/')+1:]
		if _, seen := x.used[name]; !seen {
			x.used[name] = nil
			x.used[name] = x.schema(x.all[name].(object))
		}
		return object{"$ref": name}
	}
	keep := object{}
	for _, k := range []string{"type", "additionalProperties", "required", "enum", "format", "pattern",
		"minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "minProperties", "maxProperties", "uniqueItems"} {
		if v, ok := s[k]; ok {
			keep[k] = v
		}
	}
	if props, ok := s["properties"].(object); ok {
		m := object{}
		for k, v := range props {
			m[k] = x.schema(v.(object))
		}
		keep["properties"] = m
	}
	for _, k := range []string{"items", "additionalProperties"} {
		if v, ok := s[k].(object); ok {
			keep[k] = x.schema(v)
		}
	}
	for _, k := range []string{"oneOf", "anyOf", "allOf"} {
		if alt := list(s[k]); alt != nil {
			var vs []object
			for _, v := range alt {
				vs = append(vs, x.schema(v.(object)))
			}
			keep[k] = vs
		}
	}
	return keep
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}
