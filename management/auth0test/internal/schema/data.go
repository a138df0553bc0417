package schema

import (
	_ "embed"
	"encoding/json"
	"sync"
)

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
