package scripts

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
)

// Config holds an Engine's optional settings. The zero value uses the defaults.
type Config struct {
	Hosts          []string          // That fetch may call, as in URLs: "api.example.com", "127.0.0.1:8080". Defaults to none.
	Transport      http.RoundTripper // Of fetch. Defaults to http.DefaultTransport.
	FreshInstances bool              // A new instance for each run: variables of the module are lost.
	LoseCache      bool              // api.cache is empty at each run.
	Console        func(line string) // Gets each line of console, which Auth0 cuts at 256 characters. Defaults to nothing.
}

// Limit is how long a run may take, by Auth0's limits.
const limit = 20 * time.Second

// idle is how many instances of one code wait for another run.
const idle = 8

// Engine runs scripts. It is safe for concurrent use.
type Engine struct {
	cfg    Config
	client *http.Client

	mu        sync.Mutex
	instances map[[sha256.Size]byte][]*instance
	caches    map[[sha256.Size]byte]*cache
}

// New returns an Engine. It is the Scripts of auth0test.Tenant.RunScripts.
func New(cfg Config) (*Engine, error) {
	for _, host := range cfg.Hosts {
		if host == "" || strings.ContainsAny(host, "/ @") {
			return nil, fmt.Errorf("scripts: Config.Hosts has %q; give a host and, if it is in the URL, a port", host)
		}
	}
	e := &Engine{cfg: cfg, instances: make(map[[sha256.Size]byte][]*instance), caches: make(map[[sha256.Size]byte]*cache)}
	e.client = &http.Client{Transport: cfg.Transport, CheckRedirect: e.redirect}
	return e, nil
}

// handlers are the functions that Auth0 calls, by trigger.
var handlers = []string{
	"onExecutePostLogin", "onExecuteCredentialsExchange", "onExecutePreUserRegistration", "onExecutePostUserRegistration",
	"onExecutePostChangePassword", "onExecuteSendPhoneMessage", "onExecuteCustomTokenExchange",
}

// An Error is what a script has thrown, or why it could not run.
type Error struct {
	Name    string // Of the error's class: "Error", "WrongUsernameOrPasswordError".
	Message string
	// About is whom or what it is about: the first argument of a
	// WrongUsernameOrPasswordError or of a ValidationError.
	About string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Thrown returns name and About, for the tenant.
func (e *Error) Thrown() (name, about string) { return e.Name, e.About }

// Run runs an Action: it calls the function that the code exports for its trigger
// with event and api, and waits until its promise is settled. An *Error is what the
// script threw; context.DeadlineExceeded says that its time was over.
func (e *Engine) Run(ctx context.Context, code string, event, api any) error {
	_, err := e.use(ctx, code, func(i *instance) (goja.Value, error) {
		var run goja.Callable
		for _, name := range handlers {
			if f, ok := goja.AssertFunction(i.exports.Get(name)); ok && run == nil {
				run = f
			}
		}
		if run == nil {
			return nil, &Error{Name: "Error", Message: "the code exports no function that Auth0 calls"}
		}
		frozen, err := i.frozen(event)
		if err != nil {
			return nil, err
		}
		return run(goja.Undefined(), frozen, i.api(api, e.cache(code)))
	})
	return err
}

// use runs f on an instance of the code until what it returns is settled.
func (e *Engine) use(ctx context.Context, code string, f func(*instance) (goja.Value, error)) (goja.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	key := sha256.Sum256([]byte(code))
	i := e.take(key)
	if i == nil {
		i = newInstance(e)
	}
	v, err := i.run(ctx, code, f)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // The instance may still be busy.
	}
	e.give(key, i)
	return v, err
}

func (e *Engine) take(key [sha256.Size]byte) *instance {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.instances[key]
	if len(list) == 0 {
		return nil
	}
	e.instances[key] = list[:len(list)-1]
	return list[len(list)-1]
}

func (e *Engine) give(key [sha256.Size]byte, i *instance) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if list := e.instances[key]; !e.cfg.FreshInstances && len(list) < idle && i.exports != nil {
		e.instances[key] = append(list, i)
	}
}

func (e *Engine) cache(code string) *cache {
	if e.cfg.LoseCache {
		return newCache()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	key := sha256.Sum256([]byte(code))
	if e.caches[key] == nil {
		e.caches[key] = newCache()
	}
	return e.caches[key]
}

// frozen returns a value as JavaScript has it, that no script can change.
func (i *instance) frozen(value any) (goja.Value, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("scripts: the event has no form in JSON: %w", err)
	}
	return i.host.freeze(goja.Undefined(), i.vm.ToValue(string(text)))
}

// api returns the api object: the functions of Go, and the cache.
func (i *instance) api(given any, c *cache) goja.Value {
	out := i.vm.NewObject()
	m, _ := given.(map[string]any)
	for name, part := range m {
		_ = out.Set(name, i.methods(part, out))
	}
	if m["cache"] == nil {
		_ = out.Set("cache", i.methods(c.methods(i.vm), nil))
	}
	return out
}

// methods returns an object of functions of Go. Those without a result return api,
// as Auth0's do, so that calls can be chained.
func (i *instance) methods(part any, api *goja.Object) goja.Value {
	m, ok := part.(map[string]any)
	if !ok {
		return i.vm.ToValue(part)
	}
	out := i.vm.NewObject()
	for name, f := range m {
		call, ok := goja.AssertFunction(i.vm.ToValue(f))
		if !ok {
			_ = out.Set(name, f)
			continue
		}
		_ = out.Set(name, func(c goja.FunctionCall) goja.Value {
			v, err := call(goja.Undefined(), c.Arguments...)
			if err != nil {
				panic(err)
			}
			if goja.IsUndefined(v) && api != nil {
				return api
			}
			return v
		})
	}
	return out
}

// thrown makes an Error of what a script has thrown.
func thrown(err error) error {
	ex, ok := errors.AsType[*goja.Exception](err)
	if !ok {
		return err
	}
	return errorOf(ex.Value())
}

// errorOf makes an Error of a value that was thrown or that a promise was rejected with.
func errorOf(v goja.Value) error {
	o, ok := v.(*goja.Object)
	if !ok {
		return &Error{Name: "Error", Message: fmt.Sprint(v)}
	}
	e := &Error{Name: "Error", Message: "an error without a message"}
	if name := o.Get("name"); name != nil && !goja.IsUndefined(name) {
		e.Name = name.String()
	}
	if message := o.Get("message"); message != nil && !goja.IsUndefined(message) {
		e.Message = message.String()
	}
	for _, field := range []string{"user", "code"} {
		if about := o.Get(field); about != nil && !goja.IsUndefined(about) && !goja.IsNull(about) && e.About == "" {
			e.About = about.String()
		}
	}
	return e
}

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
