package scripts

import (
	"context"
	"encoding/json"
	"regexp"

	"github.com/dop251/goja"
)

var functionName = regexp.MustCompile(`^[a-zA-Z_]\w*$`)

// Database runs a script of a custom database: it calls the function of that name
// ("login", "get_user", "create", "change_password") in code with args and a
// callback, and returns what the callback gets, in the forms of encoding/json; nil
// for nothing. An *Error is what the callback got or the script threw;
// "WrongUsernameOrPasswordError" is one that Auth0 knows. configuration is the
// connection's.
func (e *Engine) Database(ctx context.Context, code, function string, configuration map[string]string, args ...any) (any, error) {
	if !functionName.MatchString(function) {
		return nil, &Error{Name: "Error", Message: "the script has no function " + function}
	}
	// The module keeps its variables, the configuration is that of the run.
	module := code + "\n;exports.run = typeof " + function + " === 'function' ? " + function + " : undefined;"
	v, err := e.use(ctx, module, func(i *instance) (goja.Value, error) {
		run, ok := goja.AssertFunction(i.exports.Get("run"))
		if !ok {
			return nil, &Error{Name: "Error", Message: "the script has no function " + function}
		}
		frozen, err := i.frozen(configuration)
		if err != nil {
			return nil, err
		}
		_ = i.vm.Set("configuration", frozen)
		values := make([]goja.Value, len(args), len(args)+1)
		for n, arg := range args {
			if values[n], err = i.frozen(arg); err != nil {
				return nil, err
			}
		}
		return i.called(run, values)
	})
	if err != nil || v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return nil, err
	}
	var out any
	return out, json.Unmarshal([]byte(v.String()), &out)
}

// called returns a promise of the JSON that a callback gets.
func (i *instance) called(run goja.Callable, args []goja.Value) (goja.Value, error) {
	promise, resolve, reject := i.vm.NewPromise()
	callback := func(c goja.FunctionCall) goja.Value {
		if bad := c.Argument(0); !goja.IsUndefined(bad) && !goja.IsNull(bad) {
			_ = reject(bad)
			return goja.Undefined()
		}
		text, err := i.host.text(goja.Undefined(), c.Argument(1))
		if err != nil {
			_ = reject(err)
			return goja.Undefined()
		}
		_ = resolve(text)
		return goja.Undefined()
	}
	v, err := run(goja.Undefined(), append(args, i.vm.ToValue(callback))...)
	if err != nil {
		return nil, err
	}
	if _, async := v.Export().(*goja.Promise); async {
		if _, err := i.host.follow(goja.Undefined(), v, i.vm.ToValue(func(bad goja.Value) { _ = reject(bad) })); err != nil {
			return nil, err
		}
	}
	return i.vm.ToValue(promise), nil
}
