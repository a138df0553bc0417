package integration

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// recordedOtherwise are operations whose recorded answers do not fit Auth0's
// OpenAPI description: the recordings win.
var recordedOtherwise = map[string]string{
	"GET /roles":        "type is not described",
	"POST /roles":       "type is not described",
	"GET /roles/{id}":   "type is not described",
	"PATCH /roles/{id}": "type is not described",

	"POST /organizations":                                    "is_app_entitlement_active is not described",
	"GET /organizations/{id}":                                "is_app_entitlement_active is not described",
	"PATCH /organizations/{id}":                              "is_app_entitlement_active is not described",
	"POST /organizations/{id}/invitations":                   "201, described as 200",
	"POST /organizations/{id}/client-grants":                 "grant_id, described as id",
	"GET /organizations/{id}/client-grants":                  "subject_type is not described",
	"DELETE /roles/{id}/permissions":                         "204, described as 200",
	"POST /resource-servers":                                 "pem is described as required, and not returned",
	"PATCH /resource-servers/{id}":                           "200, described as 201",
	"PATCH /clients/{client_id}/credentials/{credential_id}": "200, described as 201",

	"POST /clients":       "credentials are described by id only, and returned whole",
	"GET /clients/{id}":   "token_vault_privileged_access.grants is not described",
	"PATCH /clients/{id}": "token_vault_privileged_access.grants is not described",

	"GET /connections":         "enabled_clients and provisioning_ticket_url are not described",
	"POST /connections":        "provisioning_ticket_url is not described",
	"GET /connections/{id}":    "provisioning_ticket_url is not described",
	"PATCH /connections/{id}":  "provisioning_ticket_url is not described",
	"DELETE /connections/{id}": "the body is not described",
}

// TestAnswersFitDescription holds the tenant's answers to the recorded requests
// to Auth0's OpenAPI description, which the variable AUTH0KIT_OAS names.
func TestAnswersFitDescription(t *testing.T) {
	t.Parallel()
	name := os.Getenv("AUTH0KIT_OAS")
	if name == "" {
		t.Skip("AUTH0KIT_OAS does not name Auth0's OpenAPI description of the Management API")
	}
	d := readDescription(t, name)
	for _, c := range readCassettes(t) {
		replay(t, c, make(map[string]*share), d.check)
	}
	t.Logf("%d answers of %d operations fit", d.fit, len(d.schemas))
	for _, problem := range slices.Sorted(maps.Keys(d.problems)) {
		t.Errorf("%s (%d times)", problem, d.problems[problem])
	}
}

// described is the OpenAPI description with what was found.
type described struct {
	compiler *jsonschema.Compiler
	paths    map[string]map[string]json.RawMessage
	schemas  map[string]*jsonschema.Schema // By operation and status; nil: no body is described.
	problems map[string]int
	fit      int
}

func readDescription(t *testing.T, name string) *described {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// The alternatives of a page are not exclusive, as the description says.
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.ReplaceAll(raw, []byte(`"oneOf"`), []byte(`"anyOf"`))))
	if err != nil {
		t.Fatal(err)
	}
	d := &described{compiler: jsonschema.NewCompiler(), schemas: make(map[string]*jsonschema.Schema), problems: make(map[string]int)}
	d.compiler.UseRegexpEngine(jsPattern)
	if err := d.compiler.AddResource("oas.json", doc); err != nil {
		t.Fatal(err)
	}
	var outline struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &outline); err != nil {
		t.Fatal(err)
	}
	d.paths = outline.Paths
	return d
}

// jsPattern compiles a JavaScript pattern; what RE2 cannot read fits all.
func jsPattern(pattern string) (jsonschema.Regexp, error) {
	if re, err := regexp.Compile(pattern); err == nil {
		return re, nil
	}
	return regexp.Compile("")
}

// check is an observer.
func (d *described) check(method, path string, status int, body []byte) {
	path, isAPI := strings.CutPrefix(path, "/api/v2")
	template := d.template(method, path)
	if !isAPI || template == "" || status >= 400 || len(bytes.TrimSpace(body)) == 0 {
		return
	}
	if _, known := recordedOtherwise[method+" "+template]; known {
		return
	}
	operation := fmt.Sprintf("%s %s %d", method, template, status)
	schema, err := d.schema(operation, method, template, status)
	if err != nil {
		d.problems[operation+": "+err.Error()]++
		return
	}
	if schema == nil {
		return // Described without a body.
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		d.problems[operation+": not JSON"]++
		return
	}
	if err := schema.Validate(v); err != nil {
		d.problems[operation+": "+firstLines(err.Error(), 6)]++
		return
	}
	d.fit++
}

func (d *described) schema(operation, method, template string, status int) (*jsonschema.Schema, error) {
	if s := d.schemas[operation]; s != nil {
		return s, nil
	}
	var op struct {
		Responses map[string]struct{ Content map[string]any }
	}
	if err := json.Unmarshal(d.paths[template][strings.ToLower(method)], &op); err != nil {
		return nil, err
	}
	answer, has := op.Responses[fmt.Sprint(status)]
	if !has {
		return nil, errors.New("no such answer is described")
	}
	if answer.Content["application/json"] == nil {
		return nil, nil
	}
	escaped := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(template)
	s, err := d.compiler.Compile(fmt.Sprintf("oas.json#/paths/%s/%s/responses/%d/content/application~1json/schema", escaped, strings.ToLower(method), status))
	if err == nil {
		d.schemas[operation] = s
	}
	return s, err
}

// template finds the described path of a request; literal parts win.
func (d *described) template(method, path string) string {
	parts := strings.Split(path, "/")
	var fitting []string
	for template, operations := range d.paths {
		if _, has := operations[strings.ToLower(method)]; has && fits(strings.Split(template, "/"), parts) {
			fitting = append(fitting, template)
		}
	}
	if len(fitting) == 0 {
		return ""
	}
	return slices.MinFunc(fitting, func(a, b string) int {
		return cmp.Or(strings.Count(a, "{")-strings.Count(b, "{"), strings.Compare(a, b))
	})
}

func fits(template, parts []string) bool {
	if len(template) != len(parts) {
		return false
	}
	for i, p := range template {
		if p != parts[i] && (!strings.HasPrefix(p, "{") || parts[i] == "") {
			return false
		}
	}
	return true
}

func firstLines(s string, n int) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[:min(n, len(lines))], " | ")
}
