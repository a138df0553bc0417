package archtest

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// isPublic reports whether users may import p.
func (p *listed) isPublic() bool {
	return len(p.GoFiles) > 0 && !p.isExample() && !slices.Contains(strings.Split(p.name(), "/"), "internal")
}

// parse reads the files of p that are not tests.
func (p *listed) parse(t *testing.T) (*token.FileSet, []*ast.File) {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, f)
	}
	return fset, files
}

// exportedNames are the exported identifiers at the top level, methods apart.
func exportedNames(files []*ast.File) (names []string) {
	add := func(id *ast.Ident) {
		if id.IsExported() {
			names = append(names, id.Name)
		}
	}
	for _, f := range files {
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					add(d.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						add(s.Name)
					case *ast.ValueSpec:
						for _, id := range s.Names {
							add(id)
						}
					}
				}
			}
		}
	}
	return names
}

func TestExportedNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range load(t) {
		if !p.isPublic() {
			continue
		}
		seen[p.name()] = true
		limit, ok := ExportedNames[p.name()]
		_, files := p.parse(t)
		names := exportedNames(files)
		if !ok {
			t.Errorf("%s has %d exported names and no entry in ExportedNames of internal/archtest/ratchet.go", p.name(), len(names))
			continue
		}
		assert.GreaterOrEqual(t, len(names), limit, "%s exports less than its entry in ExportedNames of internal/archtest/ratchet.go: lower the entry", p.name())
		assert.LessOrEqual(t, len(names), limit, "%s exports %v.\nUnexport or move one. If users need them all, raise the number "+
			"in ExportedNames of internal/archtest/ratchet.go in the same commit, and give the reason in its message.", p.name(), names)
	}
	for name := range ExportedNames {
		assert.True(t, seen[name], "ExportedNames has %s, which is not there", name)
	}
}

// exports are the files in which the compiler keeps what packages export.
var exports = sync.OnceValues(func() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", Module+"/...").Output()
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return files, err
})

// fileUses has for each file of p the files whose identifiers it uses.
func (p *listed) fileUses(t *testing.T) map[string][]string {
	t.Helper()
	found, err := exports()
	require.NoError(t, err)
	fset, files := p.parse(t)
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(found[path])
	})}
	pkg, err := config.Check(p.ImportPath, fset, files, info)
	require.NoError(t, err)
	uses := map[string][]string{}
	for id, obj := range info.Uses {
		if obj.Pkg() != pkg {
			continue
		}
		from, to := fset.Position(id.Pos()).Filename, fset.Position(obj.Pos()).Filename
		if from != to && !slices.Contains(uses[from], to) {
			uses[from] = append(uses[from], to)
		}
	}
	return uses
}

// largestCycle is the most nodes of which each reaches each other.
func largestCycle(uses map[string][]string) (largest []string) {
	reach := map[string]map[string]bool{}
	for from := range uses {
		reach[from] = map[string]bool{}
		for todo := slices.Clone(uses[from]); len(todo) > 0; todo = todo[1:] {
			if !reach[from][todo[0]] {
				reach[from][todo[0]] = true
				todo = append(todo, uses[todo[0]]...)
			}
		}
	}
	for from := range reach {
		var cycle []string
		for to := range reach[from] {
			if reach[to][from] {
				cycle = append(cycle, filepath.Base(to))
			}
		}
		if len(cycle) > len(largest) {
			largest = cycle
		}
	}
	slices.Sort(largest)
	return largest
}

func TestLargestCycle(t *testing.T) {
	t.Parallel()
	assert.Empty(t, largestCycle(map[string][]string{"a": {"b", "c"}, "b": {"c"}}))
	assert.Equal(t, []string{"a", "b", "c"}, largestCycle(map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}}))
}

func TestFileCycles(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range load(t) {
		if p.isExample() || len(p.GoFiles) < 2 {
			continue
		}
		cycle := largestCycle(p.fileUses(t))
		seen[p.name()] = true
		assert.GreaterOrEqual(t, len(cycle), FileCycles[p.name()], "%s has a smaller cycle than its entry in FileCycles of internal/archtest/ratchet.go: lower the entry", p.name())
		assert.LessOrEqual(t, len(cycle), FileCycles[p.name()], "%s: these files use each other in a cycle: %v.\n"+
			"Move what they share into one of its own. If they must, raise the number in FileCycles of internal/archtest/ratchet.go "+
			"in the same commit, and give the reason in its message.", p.name(), cycle)
	}
	for name := range FileCycles {
		assert.True(t, seen[name], "FileCycles has %s, which is not there or is one file", name)
	}
}

// A permission that nobody uses is a door that stands open.
func TestPermissionsAreUsed(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		rule := Rules[p.name()]
		for _, own := range rule.Own {
			assert.Contains(t, p.Imports, Module+"/"+own, "%s may import %s and does not; take it out of internal/archtest/rules.go", p.name(), own)
		}
		for _, other := range rule.Others {
			assert.True(t, slices.ContainsFunc(p.Imports, func(path string) bool { return strings.HasPrefix(path, other) }),
				"%s may import %s and does not; take it out of internal/archtest/rules.go", p.name(), other)
		}
	}
}

var internalName = regexp.MustCompile(`\binternal/`)

// What go doc prints sends nobody into an internal package.
func TestPublicDocsNameNoInternals(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		if !p.isPublic() {
			continue
		}
		fset, files := p.parse(t)
		for _, f := range files {
			for _, doc := range publicDocs(f) {
				assert.NotRegexp(t, internalName, doc.Text(), "%s: say here what it says there", fset.Position(doc.Pos()))
			}
		}
	}
}

// publicDocs are the comments that belong to what a file exports.
func publicDocs(f *ast.File) (docs []*ast.CommentGroup) {
	public := func(doc *ast.CommentGroup, id *ast.Ident) {
		if doc != nil && id.IsExported() {
			docs = append(docs, doc)
		}
	}
	if f.Doc != nil {
		docs = append(docs, f.Doc)
	}
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			public(d.Doc, d.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					public(d.Doc, s.Name)
					public(s.Doc, s.Name)
					docs = append(docs, memberDocs(s)...)
				case *ast.ValueSpec:
					public(d.Doc, s.Names[0])
					public(s.Doc, s.Names[0])
					public(s.Comment, s.Names[0])
				}
			}
		}
	}
	return docs
}

// memberDocs are the comments of the fields and methods of an exported type.
func memberDocs(s *ast.TypeSpec) (docs []*ast.CommentGroup) {
	if !s.Name.IsExported() {
		return nil
	}
	ast.Inspect(s.Type, func(n ast.Node) bool {
		if field, ok := n.(*ast.Field); ok {
			for _, doc := range []*ast.CommentGroup{field.Doc, field.Comment} {
				if doc != nil {
					docs = append(docs, doc)
				}
			}
		}
		return true
	})
	return docs
}
