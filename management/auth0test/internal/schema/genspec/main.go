// Genspec extracts from Auth0's OpenAPI description the facts that package
// auth0test checks requests by: methods, paths, scopes, and names, types and
// bounds of parameters and of request bodies, and the titles of writes, which the
// tenant log says. Auth0's other texts stay out.
//
//	go run ./genspec -oas management-api-oas.json -out spec.json
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"
)

// tooBig are the families whose bodies are not described in auth0test: together
// they would be most of the file.
var tooBig = []string{"/flows", "/forms", "/prompts", "/event-streams", "/branding", "/network-acls"}

type object = map[string]any

// operation is one line of the output; package auth0test reads it.
type operation struct {
	Method string   `json:"method"`
	Path   string   `json:"path"`
	Title  string   `json:"title,omitempty"`
	Scopes []string `json:"scopes,omitempty"`
	Params []object `json:"params,omitempty"`
	Body   object   `json:"body,omitempty"`
}

func main() {
	in := flag.String("oas", "", "the OpenAPI description")
	out := flag.String("out", "spec.json", "the extract")
	flag.Parse()
	raw, err := os.ReadFile(*in)
	if err != nil {
		log.Fatal(err)
	}
	var doc object
	if err := json.Unmarshal(raw, &doc); err != nil {
		log.Fatal(err)
	}
	x := &extract{all: doc["components"].(object)["schemas"].(object), used: map[string]object{}}
	var b bytes.Buffer
	x.write(&b, doc["paths"].(object))
	if err := os.WriteFile(*out, b.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
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
			op := x.operation(strings.ToUpper(method), path, ops[method].(object))
			line, err := json.Marshal(op)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Fprintf(b, "%s%s", sep, line)
			sep = ",\n"
		}
	}
	b.WriteString("\n],\"schemas\":{\n")
	for i, name := range slices.Sorted(maps.Keys(x.used)) {
		line, err := json.Marshal(x.used[name])
		if err != nil {
			log.Fatal(err)
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(b, "%q:%s", name, line)
	}
	b.WriteString("\n}}\n")
}

func (x *extract) operation(method, path string, op object) operation {
	o := operation{Method: method, Path: path}
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
