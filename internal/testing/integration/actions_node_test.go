//go:build unix

package integration

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/node"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
)

// expressions are what scripts say. Each has Node's value in goja, or throws there.
const expressions = "`" + `
[3,1,2].toSorted().join()
Object.entries({b:1,a:2}).map(([k,v])=>k+v).join()
"a-b_c".replace(/[-_](\w)/g,(_, c)=>c.toUpperCase())
"abc".replaceAll("b","$&$&")
/(?<y>\d{4})-(?<m>\d\d)/.exec("2026-11").groups.m
/(?<=a)b/.test("ab")
/^.$/s.test("\n")
/\p{L}/u.test("A")
new RegExp("\\p{Lu}","u").test("A")
/ſ/iu.test("s")
"👍a".length
[..."👍a"].length
"İ".toLowerCase().length
"ß".toUpperCase()
"ΑΣ".toLowerCase()
"a".normalize("NFD") + "é".normalize("NFD").length
"ä".localeCompare("z")
"a".localeCompare("B")
(1234.5).toLocaleString()
(1234.5).toLocaleString("de-DE")
new Intl.NumberFormat("de").format(1)
typeof Intl.DateTimeFormat
new Date(0).toString()
new Date(0).toLocaleString()
new Date(0).toLocaleDateString("de",{weekday:"long"})
new Date(0).toISOString()
new Date(0).toDateString() + new Date(0).toTimeString()
new Date(2026,0,31,12).getTime()
new Date(2026,0,31).getMonth() + new Date(2026,0,31).getDay()
new Date("2026-01-02").getTime()
new Date("2026-01-02T03:04:05").getTime()
new Date("2026-01-02T03:04:05Z").getHours()
new Date("2026-01-02T03:04:05+02:00").getTime()
Date.parse("Jan 2, 2026")
Date.parse("Fri, 02 Jan 2026 03:04:05 GMT")
String(new Date("nonsense"))
(() => { const d = new Date(0); d.setHours(30); return d.getTime() })()
(() => { const d = new Date(0); d.setMonth(13); return d.toISOString() })()
new Date(0).getTimezoneOffset()
Date.UTC(2026, 1)
(0.1+0.2).toString()
(1e21).toFixed(2)
(123.456).toPrecision(4)
(255).toString(36)
0.000001234.toString()
parseFloat("1e1000")
JSON.stringify({a:undefined,b:NaN,c:new Date(0),d:[undefined]})
JSON.stringify("\u2028\ud800")
JSON.parse("[1e500]")[0]
encodeURIComponent("ü€ '")
escape("ü")
isFinite("12")
[1,[2,[3]]].flat(Infinity).join()
Array.from({length:3},(_, i)=>i*2).join()
[,1].includes(undefined)
[5,1,10].sort().join()
Object.fromEntries(new Map([["a",1]])).a
new Set([1,2,2]).size
(1n<<70n).toString()
"x".at(-1)
Object.hasOwn({a:1},"a")
"\u{1F600}".codePointAt(0)
"ab".padStart(5,"-")
" a ".trim()
"a,b".split(",").length
Number("0x10") + Number("") + Number(" 1 ")
parseInt("08")
Buffer.from("ü").toString("base64")
Buffer.from("_-8","base64").toString("hex")
Buffer.from("w7w=","base64").toString()
Buffer.concat([Buffer.from("a"),Buffer.from("b")]).toString()
Buffer.byteLength("ü")
Buffer.from("ü","latin1").toString("hex")
Buffer.from([252]).toString("latin1")
Buffer.from("ab","utf16le").length
Buffer.from("Zg","base64url").toString("BASE64")
Buffer.from("ff0","hex").length
Buffer.from([1,2,3]).subarray(1).toString("hex")
Buffer.alloc(3).fill("a").toString()
Buffer.from("abc").includes("b")
Buffer.from("abc").equals(Buffer.from("abc"))
atob("/w==").charCodeAt(0)
btoa("ü")
new URL("https://a.example:8443/x/../y?b=1#c").href
new URLSearchParams({a:"1 2",b:"ü"}).toString()
new URL("https://bücher.example/").hostname
new TextEncoder().encode("ü").length
new TextDecoder().decode(new Uint8Array([195,188]))
btoa("a")+atob("YQ==")
require("crypto").createHash("sha256").update("a").digest("hex")
require("node:crypto").createHmac("sha256","k").update("a").digest("base64url")
typeof structuredClone({})
new WeakRef({}).deref() !== undefined
Object.groupBy([1,2],x=>x%2?"a":"b").a.length
class A{#x=1;static y=2;get x(){return this.#x}};new A().x+A.y
((a,{b=2,...c}={},...d)=>[a,b,Object.keys(c).length,d.length].join())(1,{e:3},4,5)
(() => { try { throw new TypeError("x",{cause:1}) } catch ({name,message,cause}) { return name+message+cause } })()
(() => { let n=0; outer: for (const i of [1,2,3]) for (const j of [1,2,3]) { if (j===2) continue outer; n+=i*j } return n })()
(function*(){yield 1;yield* [2,3]})().next().value
await Promise.all([1,Promise.resolve(2)]).then(v=>v.join())
await Promise.allSettled([Promise.reject(new Error("x"))]).then(v=>v[0].status)
await Promise.any([Promise.reject(1),2])
await new Promise(r=>setTimeout(r,5,"late"))
await (async()=>{ const o=[]; setTimeout(()=>o.push("t"),1); queueMicrotask(()=>o.push("m")); await null; o.push("a"); await new Promise(r=>setTimeout(r,20)); return o.join() })()
null?.x ?? "d"
` + "`"

// Whatever a script says in goja, it says in Node, or it says an error in goja.
func TestScriptsLikeNode(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.Trim(expressions, "`\n"), "\n")
	require.Greater(t, len(lines), 80)
	code := func(line string) string {
		if before, after, both := strings.Cut(line, "};"); both && strings.HasPrefix(line, "class") {
			return before + "}; return " + after
		}
		return "return (" + line + ");"
	}
	e, err := scripts.New(scripts.Config{})
	require.NoError(t, err)
	got := make([]string, len(lines))
	for i, line := range lines {
		api := map[string]any{"out": map[string]any{"put": func(text string) { got[i] = text }}}
		err := e.Run(t.Context(), "exports.onExecutePostLogin = async (event, api) => { const f = async () => {"+code(line)+"}; api.out.put(JSON.stringify(await f()) ?? 'undefined'); };", nil, api)
		if err != nil {
			got[i] = "throws"
		}
	}
	bodies := make([]string, len(lines))
	for i, line := range lines {
		bodies[i] = code(line)
	}
	input, err := json.Marshal(bodies)
	require.NoError(t, err)
	cmd := node.Command(t, `
import { createRequire } from "node:module";
const AsyncFunction = (async () => {}).constructor, out = [];
for (const body of JSON.parse(process.argv[2])) {
  try { out.push(JSON.stringify(await new AsyncFunction("require", body)(createRequire(import.meta.url))) ?? "undefined"); } catch (e) { out.push("throws"); }
}
console.log(JSON.stringify(out));
`, string(input))
	cmd.Env = append(cmd.Environ(), "TZ=UTC")
	text, err := cmd.Output()
	require.NoError(t, err)
	var want []string
	require.NoError(t, json.Unmarshal(text, &want))
	thrown := 0
	for i, line := range lines {
		if got[i] == "throws" && want[i] != "throws" {
			thrown++
			continue
		}
		assert.Equal(t, want[i], got[i], line)
	}
	t.Log(thrown, "of", len(lines), "throw in goja alone")
	assert.Less(t, thrown, 20)
}

// The same custom-database script in both.
func TestDatabaseScriptsLikeNode(t *testing.T) {
	t.Parallel()
	const login = `function login(email, password, callback) {
  const crypto = require("crypto");
  const stored = { "ada@example.com": { salt: "s1", hash: crypto.createHmac("sha256", "s1").update("correct horse").digest("hex") } };
  const user = stored[email.toLowerCase()];
  if (!user) return callback(null);
  const given = crypto.createHmac("sha256", user.salt).update(password).digest("hex");
  if (given !== user.hash) return callback(new WrongUsernameOrPasswordError(email, "no"));
  setTimeout(() => callback(null, { user_id: "1", email: email.toLowerCase(), app_metadata: { from: configuration.name } }), 1);
}`
	cases := [][]any{{"Ada@example.com", "correct horse"}, {"ada@example.com", "wrong"}, {"bob@example.com", "x"}}
	e, err := scripts.New(scripts.Config{})
	require.NoError(t, err)
	var got []any
	for _, args := range cases {
		v, err := e.Database(t.Context(), login, "login", map[string]string{"name": "legacy"}, args...)
		if err != nil {
			v = map[string]any{"error": err.(*scripts.Error).Name}
		}
		got = append(got, v)
	}
	input, err := json.Marshal(map[string]any{"code": login, "cases": cases})
	require.NoError(t, err)
	text := node.Run(t, `
import { createRequire } from "node:module";
const { code, cases } = JSON.parse(process.argv[2]);
class WrongUsernameOrPasswordError extends Error { constructor(user, message) { super(message); this.name = "WrongUsernameOrPasswordError"; } }
const login = new Function("require", "configuration", "WrongUsernameOrPasswordError", code + "; return login;")(createRequire(import.meta.url), { name: "legacy" }, WrongUsernameOrPasswordError);
const out = [];
for (const args of cases) out.push(await new Promise((done) => login(...args, (e, user) => done(e ? { error: e.name } : user ?? null))));
console.log(JSON.stringify(out));
`, string(input))
	var want []any
	require.NoError(t, json.Unmarshal([]byte(text), &want))
	assert.Equal(t, want, got)
}
