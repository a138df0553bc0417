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

// TestAnswersFitDescription holds the tenant's answers to the recorded requests
// to Auth0's OpenAPI description, which the variable AUTH0KIT_OAS names. Where an
// answer that Auth0 itself gave does not fit, the recording wins: that operation
// is not checked.
func TestAnswersFitDescription(t *testing.T) {
	t.Parallel()
	name := os.Getenv("AUTH0KIT_OAS")
	if name == "" {
		t.Skip("AUTH0KIT_OAS does not name Auth0's OpenAPI description of the Management API")
	}
	d := readDescription(t, name)
	cassettes := readCassettes(t)
	for _, c := range cassettes {
		d.contradict(c)
	}
	for _, c := range cassettes {
		replay(t, c, make(map[string]*share), d.check)
	}
	t.Logf("%d answers of %d operations fit; %d operations were recorded otherwise", d.fit, len(d.schemas), len(d.otherwise))
	writeConformance(t, "description", d.otherwiseTable())
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

	otherwise map[string]string // Operations whose recorded answers do not fit, with the first reason.
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
	d := &described{compiler: jsonschema.NewCompiler(), schemas: make(map[string]*jsonschema.Schema), problems: make(map[string]int), otherwise: make(map[string]string)}
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

// contradict notes the operations of a cassette whose recorded answers do not
// fit, but for what the recorder itself wrote.
func (d *described) contradict(c cassette) {
	for i := range c.Interactions {
		x := &c.Interactions[i]
		var body any
		if json.Unmarshal([]byte(x.Response.Body), &body) == nil && destroyed(body) && strings.Contains(x.Response.Body, "REDACTED") {
			continue
		}
		operation, problem := d.judge(x.Request.Method, pathOf(x), x.Response.Code, []byte(x.Response.Body))
		if problem != "" && d.otherwise[operation] == "" {
			d.otherwise[operation] = problem
		}
	}
}

// check is an observer.
func (d *described) check(method, path string, status int, body []byte) {
	operation, problem := d.judge(method, path, status, body)
	switch {
	case operation == "" || d.otherwise[operation] != "":
	case problem != "":
		d.problems[operation+": "+problem]++
	default:
		d.fit++
	}
}

// judge returns the operation of an answer, empty when nothing is described, and
// what does not fit.
func (d *described) judge(method, path string, status int, body []byte) (operation, problem string) {
	path, isAPI := strings.CutPrefix(path, "/api/v2")
	template := d.template(method, path)
	if !isAPI || template == "" || status >= 400 || len(bytes.TrimSpace(body)) == 0 {
		return "", ""
	}
	operation = method + " " + template
	schema, err := d.schema(fmt.Sprintf("%s %d", operation, status), method, template, status)
	if err != nil {
		return operation, fmt.Sprintf("%d: %v", status, err)
	}
	if schema == nil {
		return "", "" // Described without a body.
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return operation, "not JSON"
	}
	if err := schema.Validate(v); err != nil {
		_, detail, _ := strings.Cut(err.Error(), "\n")
		return operation, firstLines(detail, 6)
	}
	return operation, ""
}

// otherwiseTable lists what was recorded otherwise.
func (d *described) otherwiseTable() string {
	var b strings.Builder
	b.WriteString("| operation | recorded |\n|---|---|\n")
	for _, operation := range slices.Sorted(maps.Keys(d.otherwise)) {
		why := strings.NewReplacer("|", "/", "\n", " ").Replace(firstLines(d.otherwise[operation], 2))
		fmt.Fprintf(&b, "| %s | %s |\n", operation, why[:min(len(why), 200)])
	}
	return b.String()
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
