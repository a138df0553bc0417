package integration

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the directory of the module.
const root = "../../.."

// A constructor that the table of TestConstructorsAgree does not know fails here.
func TestConstructorsAreComplete(t *testing.T) {
	t.Parallel()
	var found []string
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch name := d.Name(); {
		case name == "internal", name == "testdata", name == "examples", name == "bench", name == "docs", path != root && strings.HasPrefix(name, "."),
			strings.HasSuffix(name, "test"): // conformance suites and fakes fail their test instead
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != root { // a module of its own, which tests itself
			return filepath.SkipDir
		}
		names, err := constructorsIn(path)
		found = append(found, names...)
		return err
	}))
	slices.Sort(found)
	assert.Greater(t, len(found), 30, "the walk found too little")
	assert.Equal(t, slices.Sorted(maps.Keys(constructors)), found, "a constructor is missing in the table, or is there no more")
}

// constructorsIn returns the exported functions of a package that make something:
// New…, Open… and Parse…, and what returns a function or an interface with an error.
func constructorsIn(dir string) (names []string, err error) {
	matches, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return nil, err
	}
	var funcs []*ast.FuncDecl
	interfaces := map[string]bool{"Handler": true} // of net/http
	for _, path := range matches {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.IsExported() {
					funcs = append(funcs, n)
				}
				return false
			case *ast.TypeSpec:
				if _, is := n.Type.(*ast.InterfaceType); is {
					interfaces[n.Name.Name] = true
				}
			}
			return true
		})
	}
	for _, f := range funcs {
		if constructs(f, interfaces) {
			names = append(names, filepath.ToSlash(rel)+"."+f.Name.Name)
		}
	}
	return names, nil
}

func constructs(f *ast.FuncDecl, interfaces map[string]bool) bool {
	results, name := f.Type.Results, f.Name.Name
	if results == nil || name == "NewContext" {
		return false
	}
	for _, prefix := range []string{"New", "Open", "Parse"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && (rest == "" || rest[0] <= 'Z') {
			switch first := results.List[0].Type.(type) {
			case *ast.MapType: // reads a value
				return false
			case *ast.Ident:
				return first.IsExported()
			}
			return true
		}
	}
	if last, ok := results.List[len(results.List)-1].Type.(*ast.Ident); !ok || last.Name != "error" || len(results.List) < 2 {
		return false
	}
	switch first := results.List[0].Type.(type) {
	case *ast.FuncType:
		return true
	case *ast.Ident:
		return interfaces[first.Name]
	case *ast.SelectorExpr:
		return interfaces[first.Sel.Name]
	}
	return false
}
