package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Shape is a JSON schema, as far as Auth0's description uses them.
type Shape struct {
	Ref        string            `json:"$ref"`
	Type       kinds             `json:"type"`
	Properties map[string]*Shape `json:"properties"`
	Required   []string          `json:"required"`
	Additional *additional       `json:"additionalProperties"`
	Items      *Shape            `json:"items"`
	Enum       []any             `json:"enum"`
	Format     string            `json:"format"`
	Pattern    string            `json:"pattern"`
	MinLength  *int              `json:"minLength"`
	MaxLength  *int              `json:"maxLength"`
	MinItems   *int              `json:"minItems"`
	MaxItems   *int              `json:"maxItems"`
	MinProps   *int              `json:"minProperties"`
	MaxProps   *int              `json:"maxProperties"`
	Minimum    *float64          `json:"minimum"`
	Maximum    *float64          `json:"maximum"`
	Unique     bool              `json:"uniqueItems"`
	AnyOf      []*Shape          `json:"anyOf"`
	OneOf      []*Shape          `json:"oneOf"`
	AllOf      []*Shape          `json:"allOf"`
	Not        *Shape            `json:"not"`

	Target *Shape // What Ref names.
}

// kinds is the keyword "type": one name or several.
type kinds []string

func (k *kinds) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(k))
	}
	var one string
	err := json.Unmarshal(b, &one)
	*k = kinds{one}
	return err
}

// additional is the keyword "additionalProperties": a boolean or a schema.
type additional struct {
	allowed bool
	shape   *Shape
}

func (a *additional) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		a.allowed = true
		return json.Unmarshal(b, &a.shape)
	}
	return json.Unmarshal(b, &a.allowed)
}

// link resolves the references below s.
func (s *Shape) link(all map[string]*Shape) {
	if s == nil {
		return
	}
	if s.Ref != "" {
		s.Target = all[s.Ref]
		return
	}
	for _, p := range s.Properties {
		p.link(all)
	}
	s.Items.link(all)
	s.Not.link(all)
	if s.Additional != nil {
		s.Additional.shape.link(all)
	}
	for _, alts := range [][]*Shape{s.AnyOf, s.OneOf, s.AllOf} {
		for _, a := range alts {
			a.link(all)
		}
	}
}

// Violation is the first thing that is wrong with a value, in the words of
// z-schema, the validator that Auth0 uses; its codes are those of import jobs.
type Violation struct {
	Code string `json:"code"`
	Text string `json:"message"`
	Path string `json:"path,omitempty"` // "settings.a[0]"; empty at the top.
}

// Message is the sentence of an error body; kind is "Payload", "Query" or "Path".
// Auth0 puts the description of the property in parentheses behind its name;
// those texts are not part of this package.
func (v *Violation) Message(kind string) string {
	s := kind + " validation error: '" + v.Text + "'"
	if v.Path != "" {
		s += " on property " + v.Path
	}
	return s + "."
}

// Check returns nil for a value that fits.
func (s *Shape) Check(v any) *Violation { return s.At(v, "") }

func (s *Shape) At(v any, path string) *Violation {
	if s == nil {
		return nil
	}
	if s.Ref != "" {
		return s.Target.At(v, path)
	}
	bad := func(code, format string, args ...any) *Violation {
		return &Violation{code, fmt.Sprintf(format, args...), path}
	}
	if kind := kindOf(v); len(s.Type) > 0 && !s.Type.Allow(kind) {
		return bad("INVALID_TYPE", "Expected type %s but found type %s", s.Type[0], kind)
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) && !(v == nil && s.Type.Allow("null")) {
		return bad("ENUM_MISMATCH", "No enum match for: %s", Plain(v))
	}
	var found *Violation
	switch v := v.(type) {
	case string:
		found = s.checkString(v, bad)
	case float64:
		found = s.checkNumber(v, bad)
	case []any:
		found = s.checkArray(v, path, bad)
	case map[string]any:
		found = s.checkObject(v, path, bad)
	}
	if found != nil {
		return found
	}
	return s.checkAlternatives(v, path, bad)
}

type complain func(code, format string, args ...any) *Violation

func (s *Shape) checkString(v string, bad complain) *Violation {
	n := utf8.RuneCountInString(v)
	switch {
	case s.MinLength != nil && n < *s.MinLength:
		return bad("MIN_LENGTH", "String is too short (%d chars), minimum %d", n, *s.MinLength)
	case s.MaxLength != nil && n > *s.MaxLength:
		return bad("MAX_LENGTH", "String is too long (%d chars), maximum %d", n, *s.MaxLength)
	case s.Pattern != "" && !compiled(s.Pattern).MatchString(v):
		return bad("PATTERN", "String does not match pattern %s", s.Pattern)
	case s.Format != "" && !HasFormat(s.Format, v):
		return bad("INVALID_FORMAT", "Object didn't pass validation for format %s: %s", s.Format, v)
	}
	return nil
}

func (s *Shape) checkNumber(v float64, bad complain) *Violation {
	switch {
	case s.Minimum != nil && v < *s.Minimum:
		return bad("MINIMUM", "Value %s is less than minimum %s", Plain(v), Plain(*s.Minimum))
	case s.Maximum != nil && v > *s.Maximum:
		return bad("MAXIMUM", "Value %s is greater than maximum %s", Plain(v), Plain(*s.Maximum))
	}
	return nil
}

func (s *Shape) checkArray(v []any, path string, bad complain) *Violation {
	switch {
	case s.MinItems != nil && len(v) < *s.MinItems:
		return bad("ARRAY_LENGTH_SHORT", "Array is too short (%d), minimum %d", len(v), *s.MinItems)
	case s.MaxItems != nil && len(v) > *s.MaxItems:
		return bad("ARRAY_LENGTH_LONG", "Array is too long (%d), maximum %d", len(v), *s.MaxItems)
	}
	if i, j, twice := duplicate(v); s.Unique && twice {
		return bad("ARRAY_UNIQUE", "Array items are not unique (indexes %d and %d)", i, j)
	}
	for i, item := range v {
		if found := s.Items.At(item, path+"["+strconv.Itoa(i)+"]"); found != nil {
			return found
		}
	}
	return nil
}

func (s *Shape) checkObject(v map[string]any, path string, bad complain) *Violation {
	switch {
	case s.MinProps != nil && len(v) < *s.MinProps:
		return bad("OBJECT_PROPERTIES_MINIMUM", "Too few properties defined (%d), minimum %d", len(v), *s.MinProps)
	case s.MaxProps != nil && len(v) > *s.MaxProps:
		return bad("OBJECT_PROPERTIES_MAXIMUM", "Too many properties defined (%d), maximum %d", len(v), *s.MaxProps)
	}
	if s.Additional != nil && !s.Additional.allowed {
		if extra := s.unknown(v); len(extra) > 0 {
			return bad("OBJECT_ADDITIONAL_PROPERTIES", "Additional properties not allowed: %s", strings.Join(extra, ","))
		}
	}
	for _, name := range s.Required {
		if _, has := v[name]; !has {
			return bad("OBJECT_MISSING_REQUIRED_PROPERTY", "Missing required property: %s", name)
		}
	}
	for _, name := range SortedKeys(v) {
		p := s.Properties[name]
		if p == nil && s.Additional != nil {
			p = s.Additional.shape
		}
		if found := p.At(v[name], join(path, name)); found != nil {
			return found
		}
	}
	return nil
}

func (s *Shape) unknown(v map[string]any) []string {
	var extra []string
	for _, name := range SortedKeys(v) {
		if s.Properties[name] == nil {
			extra = append(extra, name)
		}
	}
	return extra
}

func (s *Shape) checkAlternatives(v any, path string, bad complain) *Violation {
	for _, a := range s.AllOf {
		if found := a.At(v, path); found != nil {
			return found
		}
	}
	fits := func(a *Shape) bool { return a.At(v, path) == nil }
	if len(s.AnyOf) > 0 && !slices.ContainsFunc(s.AnyOf, fits) {
		return bad("ANY_OF_MISSING", "Data does not match any schemas from 'anyOf'")
	}
	// More than one match of oneOf is let pass: the description is looser than
	// the schemas that Auth0 runs.
	if len(s.OneOf) > 0 && !slices.ContainsFunc(s.OneOf, fits) {
		return bad("ONE_OF_MISSING", "Data does not match any schemas from 'oneOf'")
	}
	if s.Not != nil && fits(s.Not) {
		return bad("NOT_PASSED", "Data matches schema from 'not'")
	}
	return nil
}

func (k kinds) Allow(kind string) bool {
	return slices.Contains(k, kind) || kind == "integer" && slices.Contains(k, "number")
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	}
	return "object"
}

// Plain writes a value as JavaScript would in a text.
func Plain(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// duplicate finds two equal scalars of an array.
func duplicate(v []any) (i, j int, found bool) {
	seen := make(map[string]int, len(v))
	for j, item := range v {
		key := kindOf(item) + Plain(item)
		if i, ok := seen[key]; ok {
			return i, j, true
		}
		seen[key] = j
	}
	return 0, 0, false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

var patterns sync.Map // pattern -> *regexp.Regexp

// compiled returns a pattern of the description. Those are JavaScript's; what
// RE2 cannot read matches everything.
func compiled(pattern string) *regexp.Regexp {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		re = regexp.MustCompile("")
	}
	patterns.Store(pattern, re)
	return re
}
