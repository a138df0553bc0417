package management

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Types live in package resource, under one name: go doc shows an alias without
// its fields.
func TestOnlyErrorsAreAliased(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "alias.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var aliases []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, is := n.(*ast.TypeSpec); is && spec.Assign.IsValid() {
			aliases = append(aliases, spec.Name.Name)
		}
		return true
	})
	assert.Equal(t, []string{"Error"}, aliases)
}
