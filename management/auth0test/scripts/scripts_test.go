package scripts_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
)

func engine(t testing.TB, cfg scripts.Config) *scripts.Engine {
	t.Helper()
	e, err := scripts.New(cfg)
	require.NoError(t, err)
	return e
}

// notes is an api whose one function notes what it is called with.
type notes struct {
	mu   sync.Mutex
	list []any
}

func (n *notes) api() map[string]any {
	return map[string]any{"notes": map[string]any{"add": func(v any) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.list = append(n.list, v)
	}}}
}

// eval runs the body of an Action and returns what it notes.
func eval(t testing.TB, e *scripts.Engine, body string) ([]any, error) {
	t.Helper()
	n := &notes{}
	err := e.Run(t.Context(), "exports.onExecutePostLogin = async (event, api) => {"+body+"};", map[string]any{"user": map[string]any{"n": 1}}, n.api())
	return n.list, err
}

func ExampleEngine_Run() {
	e, err := scripts.New(scripts.Config{Console: func(line string) { fmt.Println("console:", line) }})
	if err != nil {
		panic(err)
	}
	code := `exports.onExecutePostLogin = async (event, api) => {
		console.log("hello", event.user.name);
		if (event.user.name !== "Ada") api.access.deny("not you");
	};`
	api := map[string]any{"access": map[string]any{"deny": func(reason string) { fmt.Println("denied:", reason) }}}
	err = e.Run(context.Background(), code, map[string]any{"user": map[string]any{"name": "Bob"}}, api)
	fmt.Println(err)
	// Output:
	// console: hello Bob
	// denied: not you
	// <nil>
}

func TestEventIsFrozen(t *testing.T) {
	t.Parallel()
	e := engine(t, scripts.Config{})
	list, err := eval(t, e, `event.user.n = 2; event.more = 1; delete event.user; api.notes.add(event.user.n).notes.add("chained")`)
	require.NoError(t, err)
	assert.Equal(t, []any{int64(1), "chained"}, list)
	_, err = eval(t, e, `"use strict"; event.user.n = 2`)
	assert.ErrorContains(t, err, "")
	var thrown *scripts.Error
	require.ErrorAs(t, err, &thrown)
	assert.Equal(t, "TypeError", thrown.Name)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	e := engine(t, scripts.Config{})
	for body, want := range map[string]string{
		`throw new RangeError("bad")`:              "RangeError bad",
		`await Promise.reject(new Error("later"))`: "Error later",
		`throw "text"`:                             "Error text",
		`await new Promise(() => {})`:              "Error the script waits for something that never happens",
		`await new Promise(() => setTimeout(() => { throw new Error("in a timer") }, 1))`: "Error in a timer",
		`nothing.at.all`:                          "ReferenceError nothing is not defined",
		`require("lodash")`:                       "",
		`require("fs")`:                           "",
		`setInterval(() => {}, 1)`:                "TypeError setInterval is not supported by this tenant",
		`eval("1")`:                               "TypeError eval is not supported by this tenant",
		`new Intl.NumberFormat("de")`:             "TypeError Intl is not supported by this tenant",
		`(1234.5).toLocaleString("de")`:           "TypeError Number.prototype.toLocaleString is not supported by this tenant",
		`new Date().toLocaleDateString("de", {})`: "TypeError Date.prototype.toLocaleDateString is not supported by this tenant",
		`"a".localeCompare("b", "de")`:            "TypeError String.prototype.localeCompare is not supported by this tenant",
		`"i".toLocaleUpperCase("tr")`:             "TypeError String.prototype.toLocaleUpperCase with a locale is not supported by this tenant",
		`new RegExp("\\p{L}", "u").test("A")`:     `TypeError \p{…} in a regular expression is not supported by this tenant`,
		`/\p{L}/u.test("A")`:                      `SyntaxError \p{…} in a regular expression is not supported by this tenant`,
		`const f = (x = [/\P{Lu}/u]) => x;`:       `SyntaxError \p{…} in a regular expression is not supported by this tenant`,
		`await fetch("https://example.com/")`:     "TypeError fetch failed",
		`await fetch("file:///etc/passwd")`:       "TypeError fetch failed",
	} {
		_, err := eval(t, e, body)
		var thrown *scripts.Error
		if assert.ErrorAs(t, err, &thrown, body) && want != "" {
			assert.Equal(t, want, thrown.Name+" "+thrown.Message, body)
		}
	}
	assert.ErrorContains(t, e.Run(t.Context(), "exports.other = 1", nil, nil), "exports no function")
	assert.ErrorContains(t, e.Run(t.Context(), "exports.onExecutePostLogin = async () => { for await (const x of []) {} }", nil, nil), "SyntaxError")
	_, err := scripts.New(scripts.Config{Hosts: []string{"https://example.com"}})
	assert.ErrorContains(t, err, "Hosts")
}

func TestTwentySeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := engine(t, scripts.Config{})
		start := time.Now()
		list, err := eval(t, e, `await new Promise((done) => setTimeout(done, 19000)); api.notes.add("done")`)
		require.NoError(t, err)
		assert.Len(t, list, 1)
		assert.Equal(t, 19*time.Second, time.Since(start))
		start = time.Now()
		_, err = eval(t, e, `await new Promise((done) => setTimeout(done, 21000))`)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 20*time.Second, time.Since(start))
		list, err = eval(t, e, `const t = setTimeout(() => api.notes.add("cleared"), 5); clearTimeout(t);
			await new Promise((done) => setTimeout((x) => { api.notes.add(x); done(); }, 10, "in time")); setTimeout(() => api.notes.add("late"), 1)`)
		require.NoError(t, err)
		assert.Equal(t, []any{"in time"}, list)
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Millisecond, func() { cancel(errors.New("enough")) })
	err := engine(t, scripts.Config{}).Run(ctx, "exports.onExecutePostLogin = () => { for (;;) {} }", nil, nil)
	assert.EqualError(t, err, "enough", "a script that is busy is ended too")
}

const counting = `let n = 0; exports.onExecutePostLogin = async (event, api) => {
	api.notes.add(++n);
	api.notes.add(api.cache.get("n")?.value ?? "none");
	api.cache.set("n", String(n));
};`

func TestInstancesAndCache(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  scripts.Config
		want []any
	}{
		"kept":        {scripts.Config{}, []any{int64(1), "none", int64(2), "1"}},
		"fresh":       {scripts.Config{FreshInstances: true}, []any{int64(1), "none", int64(1), "1"}},
		"no cache":    {scripts.Config{LoseCache: true}, []any{int64(1), "none", int64(2), "none"}},
		"all is lost": {scripts.Config{LoseCache: true, FreshInstances: true}, []any{int64(1), "none", int64(1), "none"}},
	} {
		n, e := &notes{}, engine(t, c.cfg)
		for range 2 {
			require.NoError(t, e.Run(t.Context(), counting, nil, n.api()))
		}
		assert.Equal(t, c.want, n.list, name)
	}
	e, wg := engine(t, scripts.Config{}), sync.WaitGroup{}
	for range 20 {
		wg.Go(func() { assert.NoError(t, e.Run(t.Context(), counting, nil, (&notes{}).api())) })
	}
	wg.Wait()
}

func TestCacheLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list, err := eval(t, engine(t, scripts.Config{}), `
			const c = api.cache, code = (r) => r.code ?? r.type;
			api.notes.add(code(c.set("k".repeat(65), "v")));
			api.notes.add(code(c.set("k", "v".repeat(4097))));
			api.notes.add(code(c.set("k", "v".repeat(4096))));
			api.notes.add(code(c.set("l", "v".repeat(4096))));
			c.delete("k");
			for (let i = 0; i < 20; i++) c.set("k" + i, "v");
			api.notes.add(code(c.set("more", "v")));
			api.notes.add(code(c.set("k1", "w", { ttl: 1000 })));
			api.notes.add(c.get("k1").value);
			await new Promise((done) => setTimeout(done, 1000));
			api.notes.add(c.get("k1"));
			api.notes.add(code(c.set("more", "v")));`)
		require.NoError(t, err)
		assert.Equal(t, []any{"CacheKeySizeExceeded", "ItemSizeExceeded", "success", "CacheSizeExceeded", "CacheSizeExceeded", "success", "w", nil, "success"}, list)
	})
}

func TestFetch(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/echo":
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Method", r.Method)
			fmt.Fprintf(w, "%s %s", r.Header.Get("Content-Type"), body)
		case "/json":
			fmt.Fprint(w, `{"ä":[1,2]}`)
		case "/away":
			http.Redirect(w, r, "http://elsewhere.example/", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/json", http.StatusFound)
		case "/hang":
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/large":
			fmt.Fprint(w, strings.Repeat("x", 100_000))
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(s.Close)
	host := strings.TrimPrefix(s.URL, "http://")
	e := engine(t, scripts.Config{Hosts: []string{host}})
	get := func(body string) []any {
		t.Helper()
		list, err := eval(t, e, `const base = "`+s.URL+`";`+body)
		require.NoError(t, err)
		return list
	}
	assert.Equal(t, []any{"text/plain;charset=UTF-8 ü", "POST", int64(200), true},
		get(`const r = await fetch(base + "/echo", { method: "post", body: "ü" }); api.notes.add(await r.text()); api.notes.add(r.headers.get("x-method")); api.notes.add(r.status); api.notes.add(r.ok)`))
	assert.Equal(t, []any{"application/x-www-form-urlencoded;charset=UTF-8 a=1+2"},
		get(`api.notes.add(await (await fetch(base + "/echo", { method: "PUT", body: new URLSearchParams({ a: "1 2" }) })).text())`))
	assert.Equal(t, []any{int64(2)}, get(`api.notes.add((await (await fetch(base + "/json")).json()).ä[1])`))
	assert.Equal(t, []any{int64(2)}, get(`api.notes.add((await (await fetch(base + "/here")).json()).ä[1])`))
	assert.Equal(t, []any{"fetch failed"}, get(`await fetch(base + "/away").catch((e) => api.notes.add(e.message))`), "a redirect leads nowhere else")
	assert.Equal(t, []any{"fetch failed"}, get(`await fetch(base + "/here", { redirect: "error" }).catch((e) => api.notes.add(e.message))`))
	assert.Equal(t, []any{int64(302)}, get(`api.notes.add((await fetch(base + "/away", { redirect: "manual" })).status)`))
	assert.Equal(t, []any{"TimeoutError"}, get(`await fetch(base + "/hang", { signal: AbortSignal.timeout(30) }).then((r) => r.text()).catch((e) => api.notes.add(e.name))`))
	assert.Equal(t, []any{"AbortError"}, get(`const c = new AbortController(); const p = fetch(base + "/hang", { signal: c.signal }); c.abort(); await p.catch((e) => api.notes.add(e.name))`))
	assert.Equal(t, []any{int64(100_000)}, get(`const reader = (await fetch(base + "/large")).body.getReader(); let n = 0; for (;;) { const p = await reader.read(); if (p.done) break; n += p.value.length } api.notes.add(n)`))
	assert.Equal(t, []any{nil}, get(`const r = await fetch(base + "/empty"); api.notes.add(r.body)`))
	assert.Equal(t, []any{"gone"}, get(`const r = await fetch(base + "/hang"); await r.body.cancel(); api.notes.add("gone")`))
}

func TestCrypto(t *testing.T) {
	t.Parallel()
	list, err := eval(t, engine(t, scripts.Config{}), `
		const crypto = require("crypto"), key = Buffer.from("key");
		api.notes.add(crypto.createHash("sha256").update("ü").digest("hex").slice(0, 8));
		api.notes.add(crypto.createHmac("sha1", "key").update("a").update(Buffer.from("b")).digest("base64"));
		api.notes.add(crypto.createHmac("sha512", key).update("YQ==", "base64").digest().length);
		api.notes.add(crypto.timingSafeEqual(key, Buffer.from("key")));
		api.notes.add(crypto.randomUUID().length);
		api.notes.add(crypto.randomBytes(5).length);
		for (const f of [() => crypto.createHash("whirlpool"), () => crypto.timingSafeEqual(key, Buffer.from("keys")), () => crypto.createHmac("sha256"), () => crypto.createHash("md5").update()]) {
			try { f(); api.notes.add("nothing thrown"); } catch (e) { api.notes.add(e.name); }
		}`)
	require.NoError(t, err)
	assert.Equal(t, []any{"607474ca", "1lnIpieF/KDQMpxudn7kgX40Yo0=", int64(64), true, int64(36), int64(5), "TypeError", "TypeError", "TypeError", "TypeError"}, list)
}

func TestConsole(t *testing.T) {
	t.Parallel()
	var lines []string
	e := engine(t, scripts.Config{Console: func(line string) { lines = append(lines, line) }})
	_, err := eval(t, e, `console.log("a", 1); console.warn("b"); console.error("c"); console.log("x".repeat(300))`)
	require.NoError(t, err)
	assert.Equal(t, []string{"a 1", "b", "c", strings.Repeat("x", 256)}, lines)
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	e := engine(t, scripts.Config{})
	config := map[string]string{"url": "https://db.example.com"}
	call := func(code, function string, args ...any) (any, error) {
		return e.Database(t.Context(), code, function, config, args...)
	}
	login := `function login(email, password, callback) {
		if (password !== "right") return callback(new WrongUsernameOrPasswordError(email));
		setTimeout(() => callback(null, { user_id: "1", email: email, from: configuration.url, at: new Date(0), nothing: undefined }), 1);
	}`
	v, err := call(login, "login", "ada@example.com", "right")
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"user_id": "1", "email": "ada@example.com", "from": "https://db.example.com", "at": "1970-01-01T00:00:00.000Z"}, v)
	_, err = call(login, "login", "ada@example.com", "wrong")
	var thrown *scripts.Error
	require.ErrorAs(t, err, &thrown)
	assert.Equal(t, "WrongUsernameOrPasswordError", thrown.Name)
	v, err = call("function get_user(email, callback) { callback(null) }", "get_user", "nobody@example.com")
	require.NoError(t, err)
	assert.Nil(t, v)
	v, err = call("function create(user, callback) { user.email = 'x'; callback(null, user.email) }", "create", map[string]any{"email": "ada@example.com"})
	require.NoError(t, err)
	assert.Equal(t, "ada@example.com", v, "arguments are frozen")
	_, err = call("async function create(user, callback) { throw new ValidationError('user_exists', 'there') }", "create", nil)
	require.ErrorAs(t, err, &thrown)
	assert.Equal(t, "ValidationError there", thrown.Name+" "+thrown.Message)
	for code, function := range map[string]string{login: "get_user", "nonsense(": "login", "function login(e, p, c) {}": "login", "": "a b"} {
		_, err = call(code, function, "a", "b")
		assert.Error(t, err, code)
	}
}
