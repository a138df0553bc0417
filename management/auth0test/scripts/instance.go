package scripts

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja_nodejs/buffer"
	"github.com/dop251/goja_nodejs/console"
	"github.com/dop251/goja_nodejs/require"
	"github.com/dop251/goja_nodejs/url"
)

//go:embed host.js
var hostSource string

// instance is an engine with a module in it, as Auth0 keeps one for some time. One
// run uses it at a time.
type instance struct {
	engine  *Engine
	vm      *goja.Runtime
	exports *goja.Object // Nil before the module was loaded.
	host    struct {
		freeze, follow, text goja.Callable
	}

	ctx     context.Context // Of the run.
	jobs    chan func()     // What timers and fetch bring back.
	pending int             // How many may come.
	timers  map[int64]*time.Timer
	timerID int64

	uncaught error // What a timer's callback has thrown.
}

func newInstance(e *Engine) *instance {
	i := &instance{engine: e, vm: goja.New()}
	i.vm.SetFieldNameMapper(goja.TagFieldNameMapper("json", true))
	registry := require.NewRegistry(require.WithLoader(func(string) ([]byte, error) { return nil, require.ModuleFileDoesNotExistError }))
	registry.RegisterNativeModule("console", console.RequireWithPrinter(printer{e}))
	registry.RegisterNativeModule("node:crypto", loadCrypto)
	registry.RegisterNativeModule("crypto", loadCrypto)
	registry.Enable(i.vm)
	buffer.Enable(i.vm)
	console.Enable(i.vm)
	url.Enable(i.vm)
	for name, f := range map[string]any{
		"setTimeout": i.setTimeout, "clearTimeout": i.clearTimeout, "setImmediate": i.setImmediate,
		"__fetch": i.fetch, "__supported": supported,
	} {
		_ = i.vm.Set(name, f)
	}
	prepared, err := i.vm.RunScript("host.js", hostSource)
	if err != nil {
		panic("scripts: host.js: " + err.Error())
	}
	host := prepared.ToObject(i.vm)
	for name, to := range map[string]*goja.Callable{"freeze": &i.host.freeze, "follow": &i.host.follow, "text": &i.host.text} {
		*to, _ = goja.AssertFunction(host.Get(name))
	}
	errs := host.Get("errors").ToObject(i.vm)
	for _, name := range errs.Keys() { // Custom databases find them as globals.
		_ = i.vm.Set(name, errs.Get(name))
	}
	return i
}

// run loads the module, if that was not done, and runs f to its end.
func (i *instance) run(ctx context.Context, code string, f func(*instance) (goja.Value, error)) (_ goja.Value, err error) {
	defer func() {
		if v := recover(); v != nil { // The engine is at fault, not the program that uses the tenant.
			i.exports, err = nil, &Error{Name: "Error", Message: fmt.Sprint("the engine failed: ", v)}
		}
	}()
	i.ctx, i.jobs, i.pending, i.timers, i.uncaught = ctx, make(chan func()), 0, make(map[int64]*time.Timer), nil
	stop := context.AfterFunc(ctx, func() { i.vm.Interrupt("the time is over") })
	defer stop()
	defer func() {
		for _, t := range i.timers {
			t.Stop()
		}
	}()
	if i.exports == nil {
		exports, err := i.load(code)
		if err != nil {
			return nil, thrown(err)
		}
		i.exports = exports
	}
	v, err := f(i)
	if err != nil {
		return nil, thrown(err)
	}
	return i.settled(v)
}

// load runs a module.
func (i *instance) load(code string) (*goja.Object, error) {
	if err := checkPatterns(code); err != nil {
		return nil, err
	}
	v, err := i.vm.RunScript("action.js", "(function (exports, module) {"+code+"\n})")
	if err != nil {
		return nil, err
	}
	run, _ := goja.AssertFunction(v)
	module, exports := i.vm.NewObject(), i.vm.NewObject()
	_ = module.Set("exports", exports)
	if _, err := run(goja.Undefined(), exports, module); err != nil {
		return nil, err
	}
	return module.Get("exports").ToObject(i.vm), nil
}

// settled runs what timers and fetch bring back until a promise is settled.
func (i *instance) settled(v goja.Value) (goja.Value, error) {
	p, ok := v.Export().(*goja.Promise)
	if !ok {
		return v, nil
	}
	for p.State() == goja.PromiseStatePending {
		if i.pending == 0 {
			return nil, &Error{Name: "Error", Message: "the script waits for something that never happens"}
		}
		select {
		case job := <-i.jobs:
			i.pending--
			if job(); i.uncaught != nil {
				return nil, i.uncaught
			}
		case <-i.ctx.Done():
			return nil, context.Cause(i.ctx)
		}
	}
	if p.State() == goja.PromiseStateRejected {
		return nil, errorOf(p.Result())
	}
	return p.Result(), nil
}

// later runs a job on the loop of this run; done says that it will come. After the
// end of the run it is dropped.
func (i *instance) later() (deliver func(job func())) {
	i.pending++
	ctx, jobs := i.ctx, i.jobs
	return func(job func()) {
		select {
		case jobs <- job:
		case <-ctx.Done():
		}
	}
}

func (i *instance) setTimeout(call goja.FunctionCall) goja.Value {
	f, ok := goja.AssertFunction(call.Argument(0))
	if !ok {
		panic(i.vm.NewTypeError("the callback of setTimeout is no function"))
	}
	args := slices.Clone(call.Arguments[min(2, len(call.Arguments)):]) // The engine uses the list again.
	i.timerID++
	id, deliver := i.timerID, i.later()
	i.timers[id] = time.AfterFunc(time.Duration(max(1, call.Argument(1).ToInteger()))*time.Millisecond, func() {
		deliver(func() {
			if i.timers[id] == nil {
				return // Cleared while it was on its way.
			}
			delete(i.timers, id)
			if _, err := f(goja.Undefined(), args...); err != nil && i.uncaught == nil {
				i.uncaught = thrown(err) // It ends Node.
			}
		})
	})
	return i.vm.ToValue(id)
}

func (i *instance) setImmediate(call goja.FunctionCall) goja.Value {
	args := append([]goja.Value{call.Argument(0), i.vm.ToValue(1)}, call.Arguments[min(1, len(call.Arguments)):]...)
	return i.setTimeout(goja.FunctionCall{Arguments: args})
}

func (i *instance) clearTimeout(id int64) {
	if t := i.timers[id]; t != nil {
		delete(i.timers, id)
		if t.Stop() {
			i.pending--
		}
	}
}

// printer captures the console.
type printer struct{ e *Engine }

func (p printer) Log(s string)   { p.e.print(s) }
func (p printer) Warn(s string)  { p.e.print(s) }
func (p printer) Error(s string) { p.e.print(s) }

func (e *Engine) print(line string) {
	if e.cfg.Console == nil {
		return
	}
	if runes := []rune(line); len(runes) > 256 {
		line = string(runes[:256])
	}
	e.cfg.Console(line)
}

// supported reports whether the engine reads a regular expression as Node does.
func supported(pattern, flags string) bool {
	return !strings.Contains(flags, "u") || !strings.Contains(pattern, `\p`) && !strings.Contains(pattern, `\P`)
}

// checkPatterns looks for regular expressions in code that the engine would read
// otherwise than Node, before anything of it runs. What is no JavaScript for the
// engine is left to it.
func checkPatterns(code string) error {
	program, err := parser.ParseFile(nil, "action.js", "(function (exports, module) {"+code+"\n})", 0)
	if err != nil {
		return nil //nolint:nilerr // RunScript says it.
	}
	var bad error
	walk(program, func(n ast.Node) {
		if x, ok := n.(*ast.RegExpLiteral); ok && !supported(x.Pattern, x.Flags) {
			bad = errors.Join(bad, &Error{Name: "SyntaxError", Message: `\p{…} in a regular expression is ` + unsupported})
		}
	})
	return bad
}

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
