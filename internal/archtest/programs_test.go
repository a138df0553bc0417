package archtest

import (
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// programs are the programs in a package's doc: the blocks of code that begin
// with a package clause.
func programs(files []*ast.File) (code []string) {
	for _, f := range files {
		if f.Doc == nil {
			continue
		}
		for _, block := range new(comment.Parser).Parse(f.Doc.Text()).Content {
			if c, is := block.(*comment.Code); is && strings.HasPrefix(c.Text, "package ") {
				code = append(code, c.Text)
			}
		}
	}
	return code
}

// A program that somebody copies from go doc compiles, and the packages that
// people start with have one.
func TestProgramsInDocsCompile(t *testing.T) {
	t.Parallel()
	from, err := compiled()
	require.NoError(t, err)
	for _, p := range load(t) {
		if !p.isPublic() {
			continue
		}
		_, files := p.parse(t)
		code := programs(files)
		if slices.Contains(WithProgram, p.name()) {
			assert.NotEmpty(t, code, "%s: show a complete program in the package doc", p.name())
		}
		for _, text := range code {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, p.name()+" doc", text, 0)
			if assert.NoError(t, err) {
				_, err = (&types.Config{Importer: from}).Check("main", fset, []*ast.File{f}, nil)
				assert.NoError(t, err)
			}
		}
	}
}
