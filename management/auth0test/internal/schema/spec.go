package schema

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// spec.json is what TestSpecIsExtract keeps of Auth0's OpenAPI description: one
// operation a line, and the schemas that they name.
//
//go:embed spec.json
var specJSON []byte

// Operation is what Auth0's description says of a request.
type Operation struct {
	Method string   `json:"method"`
	Path   string   `json:"path"`
	Title  string   `json:"title"` // Of a write: what the tenant log calls it.
	Scopes []string `json:"scopes"`
	Params []Param  `json:"params"`
	Body   *Shape   `json:"body"`
}

type Param struct {
	Name     string `json:"name"`
	In       string `json:"in"` // "query" or "path"
	Required bool   `json:"required"`
	Schema   *Shape `json:"schema"`
}

// Takes reports whether the operation has a parameter.
func (o *Operation) Takes(name string) bool {
	return slices.ContainsFunc(o.Params, func(p Param) bool { return p.Name == name })
}

type description struct {
	Operations []*Operation      `json:"operations"`
	Schemas    map[string]*Shape `json:"schemas"`
	byRoute    map[string]*Operation
	scopes     []string
}

// spec reads the description once in the life of the process.
var spec = sync.OnceValue(func() *description {
	d := &description{byRoute: make(map[string]*Operation)}
	decode(specJSON, d)
	for _, s := range d.Schemas {
		s.link(d.Schemas)
	}
	d.Operations = append(d.Operations, Data[[]*Operation]("operations")...)
	for _, op := range d.Operations {
		op.link(d.Schemas)
		d.byRoute[op.Method+" "+op.Path] = op
		d.scopes = append(d.scopes, op.Scopes...)
	}
	for place, amendment := range Data[map[string]json.RawMessage]("amendments") {
		words := strings.Fields(place) // Of a route: method, path, and perhaps a property.
		shape := d.byRoute[words[0]+" "+words[1]].Body.last()
		for _, property := range words[2:] {
			shape = shape.Properties[property].last()
		}
		decode(amendment, shape)
	}
	slices.Sort(d.scopes)
	d.scopes = slices.Compact(d.scopes)
	return d
})

func (o *Operation) link(all map[string]*Shape) {
	o.Body.link(all)
	for _, p := range o.Params {
		p.Schema.link(all)
	}
}

// KnownScopes are all scopes of the Management API, sorted.
func KnownScopes() []string { return spec().scopes }

// Lookup returns the description of a route, an empty one for a route that the
// description does not have.
func Lookup(method, pattern string) *Operation {
	if op := spec().byRoute[method+" "+pattern]; op != nil {
		return op
	}
	return &Operation{}
}

// Operations are all operations of the description.
func Operations() []*Operation { return spec().Operations }

// last follows references to their end.
func (s *Shape) last() *Shape {
	for s.Target != nil {
		s = s.Target
	}
	return s
}

// Has reports whether the description has a route.
func Has(method, pattern string) bool { return spec().byRoute[method+" "+pattern] != nil }

// data.json has what Auth0's description has not: what recorded traffic adds to it,
// the shape of import files, and the documents that Auth0 makes by itself.
//
//go:embed data.json
var dataJSON []byte

var data = sync.OnceValue(func() (all map[string]json.RawMessage) {
	decode(dataJSON, &all)
	return all
})

func decode(raw []byte, v any) {
	if err := json.Unmarshal(raw, v); err != nil {
		panic(err) // The file was built into the program.
	}
}

// Data returns a copy of something in data.json, the zero value for what is not there.
func Data[T any](name string) (v T) {
	if raw, has := data()[name]; has {
		decode(raw, &v)
	}
	return v
}

// Doc returns a copy of a document in data.json, nil for what is not there.
func Doc(name string) map[string]any { return Data[map[string]any](name) }

// ImportShape is the schema of a user in an import file
// (https://auth0.com/docs/manage-users/user-migration/bulk-user-import-schema).
// What stands inside the two hashes is internal/auth0hash's business.
var ImportShape = sync.OnceValue(func() *Shape { return Data[*Shape]("import") })

// ImportCode translates the validator's codes into those that Auth0 documents
// for imports.
func ImportCode(code string) string {
	switch code {
	case "INVALID_FORMAT":
		return "FORMAT"
	case "OBJECT_MISSING_REQUIRED_PROPERTY":
		return "OBJECT_REQUIRED"
	}
	return code
}
