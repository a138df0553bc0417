package auth0hash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// SchemaError says why an import is refused, in the form in which a job's errors
// report it.
type SchemaError struct {
	Code    string // Auth0's, such as "PATTERN", "ENUM_MISMATCH", "OBJECT_REQUIRED".
	Path    string // Such as "custom_password_hash.hash.value".
	Message string // Names the rule, never the value.
}

// Error is the message with the code and without the value.
func (e *SchemaError) Error() string { return "auth0hash: " + e.Code + ": " + e.Message }

func schemaError(code, path, problem string) *SchemaError {
	return &SchemaError{Code: code, Path: path, Message: "Error in " + path + " property - " + problem}
}

// object is a JSON object and where it stands.
type object struct {
	path    string
	members map[string]any
}

func parseObject(path string, raw []byte) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return object{}, schemaError("FORMAT", path, "Not valid JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return object{}, schemaError("FORMAT", path, "More than one JSON value")
	}
	members, ok := v.(map[string]any)
	if !ok {
		return object{}, typeError(path, "object", v)
	}
	return object{path: path, members: members}, nil
}

func (o object) at(name string) string { return o.path + "." + name }

func (o object) has(name string) bool { _, ok := o.members[name]; return ok }

// only is additionalProperties: false.
func (o object) only(names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		if !slices.Contains(names, name) {
			return schemaError("OBJECT_ADDITIONAL_PROPERTIES", o.path, "Additional properties not allowed")
		}
	}
	return nil
}

// without refuses a member that the algorithm does not take.
func (o object) without(name, algorithm string) error {
	if !o.has(name) {
		return nil
	}
	return schemaError("NOT_PASSED", o.at(name), "Not allowed when algorithm is "+algorithm)
}

func (o object) required(name string) error {
	if o.has(name) {
		return nil
	}
	return schemaError("OBJECT_REQUIRED", o.at(name), "Missing required property: "+name)
}

func (o object) object(name string) (object, error) {
	if err := o.required(name); err != nil {
		return object{}, err
	}
	members, ok := o.members[name].(map[string]any)
	if !ok {
		return object{}, typeError(o.at(name), "object", o.members[name])
	}
	return object{path: o.at(name), members: members}, nil
}

func (o object) text(name string) (string, error) {
	if err := o.required(name); err != nil {
		return "", err
	}
	s, ok := o.members[name].(string)
	if !ok {
		return "", typeError(o.at(name), "string", o.members[name])
	}
	return s, nil
}

// oneOf reads an enumeration; without a default it is required.
func (o object) oneOf(name, def string, allowed ...string) (string, error) {
	if def != "" && !o.has(name) {
		return def, nil
	}
	s, err := o.text(name)
	if err != nil {
		return "", err
	}
	if !slices.Contains(allowed, s) {
		return "", schemaError("ENUM_MISMATCH", o.at(name), "No enum match; must be one of "+strings.Join(allowed, ", "))
	}
	return s, nil
}

// positive reads an integer between 1 and limit; with a default of 0 it is
// required.
func (o object) positive(name string, def, limit int64) (int64, error) {
	if !o.has(name) {
		if def != 0 {
			return def, nil
		}
		return 0, o.required(name)
	}
	number, ok := o.members[name].(json.Number)
	if !ok {
		return 0, typeError(o.at(name), "integer", o.members[name])
	}
	n, err := number.Int64()
	if err != nil {
		return 0, typeError(o.at(name), "integer", o.members[name])
	}
	return n, inRange(o.at(name), n, 1, limit)
}

func inRange(path string, n, low, high int64) error {
	if n < low {
		return schemaError("MINIMUM", path, fmt.Sprintf("Value is less than minimum %d", low))
	}
	if n > high {
		return schemaError("MAXIMUM", path, fmt.Sprintf("Value is greater than maximum %d", high))
	}
	return nil
}

func typeError(path, want string, v any) *SchemaError {
	return schemaError("INVALID_TYPE", path, "Expected type "+want+" but found type "+typeName(v))
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}
