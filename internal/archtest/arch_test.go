package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

type listed struct {
	ImportPath, Dir                    string
	Imports, TestImports, XTestImports []string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

func (p *listed) name() string { return strings.TrimPrefix(p.ImportPath, Module+"/") }

func (p *listed) isExample() bool { return strings.HasPrefix(p.name(), "examples/") }

var packages = sync.OnceValues(func() ([]listed, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports,GoFiles,TestGoFiles,XTestGoFiles", Module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.String())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

func load(t *testing.T) []listed {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("go list found %d packages; is the test run inside the module?", len(all))
	}
	return all
}

func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// breaks reports how an import offends against the rule, or "".
func (r Rule) breaks(path string) string {
	if isStandard(path) {
		return ""
	}
	if own, ok := strings.CutPrefix(path, Module+"/"); ok {
		if slices.Contains(r.Own, own) {
			return ""
		}
		return fmt.Sprintf("may not import %s of this module; it may import %v", own, r.Own)
	}
	if slices.ContainsFunc(r.Others, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
		return ""
	}
	return fmt.Sprintf("may not import %s; it may import %v", path, r.Others)
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		if p.isExample() || len(p.GoFiles) == 0 {
			continue
		}
		rule, ok := Rules[p.name()]
		if !ok {
			t.Errorf("%s has no rule in internal/archtest/rules.go", p.name())
			continue
		}
		for _, imported := range p.Imports {
			if problem := rule.breaks(imported); problem != "" {
				t.Errorf("%s %s", p.name(), problem)
			}
		}
	}
}

func TestRulesAreOfUse(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range load(t) {
		names = append(names, p.name())
	}
	for name := range Rules {
		if !slices.Contains(names, name) {
			t.Errorf("internal/archtest/rules.go has a rule for %s, which is not there", name)
		}
	}
}

func TestDriversStayOut(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		if p.isExample() || strings.HasPrefix(p.name(), "internal/testing/") || slices.Contains(MayImportDriver, p.name()) {
			continue
		}
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			for _, driver := range Drivers {
				if strings.HasPrefix(imported, driver) {
					t.Errorf("%s imports %s; put what needs it into internal/testing/integration", p.name(), imported)
				}
			}
		}
	}
}

func TestOneFile(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		for target, only := range OneFile[p.name()] {
			for _, file := range p.GoFiles {
				if file != only && slices.Contains(importsOf(t, filepath.Join(p.Dir, file)), Module+"/"+target) {
					t.Errorf("%s/%s imports %s; only %s may", p.name(), file, target, only)
				}
			}
		}
	}
}

func importsOf(t *testing.T, path string) (paths []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range f.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

func TestFunctionsFitAScreen(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		for _, file := range p.GoFiles {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n.(type) {
				case *ast.FuncDecl, *ast.FuncLit:
					from := fset.Position(n.Pos())
					if lines := fset.Position(n.End()).Line - from.Line + 1; lines > MaxFunctionLines {
						t.Errorf("%s/%s:%d: a function has %d lines; %d are allowed", p.name(), file, from.Line, lines, MaxFunctionLines)
					}
				}
				return true
			})
		}
	}
}

func TestRoomsOfTheTenantAreSmall(t *testing.T) {
	t.Parallel()
	rooms := 0
	for _, p := range load(t) {
		if p.name() != "management/auth0test" && !strings.HasPrefix(p.name(), room) {
			continue
		}
		rooms++
		lines := 0
		for _, file := range p.GoFiles {
			content, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			lines += bytes.Count(content, []byte("\n"))
		}
		if lines > MaxRoomLines {
			t.Errorf("%s has %d lines; %d are allowed", p.name(), lines, MaxRoomLines)
		}
	}
	if rooms < 15 {
		t.Errorf("the tenant has %d packages", rooms)
	}
}

// Every package says what it is for.
func TestPackagesHaveDocs(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		if len(p.GoFiles) == 0 {
			continue
		}
		documented := slices.ContainsFunc(p.GoFiles, func(file string) bool {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			return f.Doc != nil
		})
		if !documented {
			t.Errorf("%s has no package documentation", p.name())
		}
	}
}

// Nothing that is read by people points at the machine that it was written on.
func TestNoMachinePaths(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bad := "/wo" + "rk/" // spelt so that this file does not match itself
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && (d.Name() == ".git" || d.Name() == "node_modules") {
				return filepath.SkipDir
			}
			return err
		}
		if ext := filepath.Ext(path); ext != ".go" && ext != ".md" && ext != ".mod" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err == nil && bytes.Contains(content, []byte(bad+"main")) {
			t.Errorf("%s names a path of a machine", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
