package scripts

import (
	"reflect"

	"github.com/dop251/goja/ast"
)

var (
	nodeType = reflect.TypeFor[ast.Node]()
	nodes    = reflect.TypeFor[ast.Program]().PkgPath()
)

// walk calls visit for each node of a syntax tree. The parser's package has no
// visitor.
func walk(n ast.Node, visit func(ast.Node)) { descend(reflect.ValueOf(n), visit) }

func descend(v reflect.Value, visit func(ast.Node)) {
	switch v.Kind() {
	case reflect.Interface:
		descend(v.Elem(), visit)
	case reflect.Pointer:
		if v.IsNil() || v.Type().Elem().PkgPath() != nodes {
			return
		}
		if v.Type().Implements(nodeType) && v.CanInterface() {
			visit(v.Interface().(ast.Node))
		}
		descend(v.Elem(), visit)
	case reflect.Slice:
		for k := range v.Len() {
			descend(v.Index(k), visit)
		}
	case reflect.Struct:
		for k := range v.NumField() {
			if v.Type().Field(k).IsExported() {
				descend(v.Field(k), visit)
			}
		}
	}
}
