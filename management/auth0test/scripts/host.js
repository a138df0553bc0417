// What Node has and the engine lacks, and refusals of what the engine has otherwise.
(function () {
  "use strict";
  const refuse = (what) => { throw new TypeError(what + " is not supported by this tenant"); };
  const define = (object, name, value) => Object.defineProperty(object, name, { value, writable: true, configurable: true });

  Object.defineProperty(globalThis, "Intl", { get() { return refuse("Intl"); }, configurable: true });
  define(globalThis, "eval", () => refuse("eval"));
  for (const [of, names] of [
    [Number, ["toLocaleString"]], [BigInt, ["toLocaleString"]], [Array, ["toLocaleString"]],
    [Date, ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]],
  ]) {
    for (const name of names) define(of.prototype, name, () => refuse(of.name + ".prototype." + name));
  }
  for (const [name, plain] of [["toLocaleUpperCase", "toUpperCase"], ["toLocaleLowerCase", "toLowerCase"]]) {
    define(String.prototype, name, function (locale) {
      return locale === undefined ? String(this)[plain]() : refuse("String.prototype." + name + " with a locale");
    });
  }
  define(String.prototype, "localeCompare", () => refuse("String.prototype.localeCompare"));

  const Pattern = RegExp;
  const patched = function RegExp(pattern, flags) {
    const source = pattern instanceof Pattern ? pattern.source : String(pattern);
    if (!__supported(source, String(flags ?? (pattern instanceof Pattern ? pattern.flags : "")))) refuse("\\p{…} in a regular expression");
    return new.target ? Reflect.construct(Pattern, [pattern, flags], new.target === patched ? Pattern : new.target) : Pattern(pattern, flags);
  };
  patched.prototype = Pattern.prototype;
  define(Pattern.prototype, "constructor", patched);
  Object.setPrototypeOf(patched, Pattern);
  define(globalThis, "RegExp", patched);

  // Local time is UTC, as at Auth0.
  const Time = Date;
  const utc = function Date(...args) {
    if (!new.target) return new utc().toString();
    if (args.length > 1) return new Time(Time.UTC(...args));
    return args.length === 1 && typeof args[0] === "string" ? new Time(utc.parse(args[0])) : new Time(...args);
  };
  utc.prototype = Time.prototype;
  define(utc.prototype, "constructor", utc);
  for (const name of ["now", "UTC"]) define(utc, name, Time[name]);
  define(utc, "parse", (text) => {
    if (/^[+-]?\d{4,6}(-\d\d(-\d\d)?)?(T.*)?$/.test(text)) {
      return Time.parse(/T/.test(text) && !/(Z|[+-]\d\d:\d\d)$/.test(text) ? text + "Z" : text);
    }
    return /(Z|GMT|UTC|[+-]\d\d:?\d\d)( \(.*\))?$/.test(text) ? Time.parse(text) : Time.parse(text + " UTC");
  });
  for (const part of ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds"]) {
    define(Time.prototype, "get" + part, Time.prototype["getUTC" + part]);
    if (part !== "Day") define(Time.prototype, "set" + part, Time.prototype["setUTC" + part]);
  }
  define(Time.prototype, "getTimezoneOffset", () => 0);
  const words = function () { return this.toUTCString().split(" "); }; // "Sat," "28" "Nov" "2026" "12:00:00" "GMT"
  define(Time.prototype, "toDateString", function () {
    if (isNaN(this)) return "Invalid Date";
    const w = words.call(this);
    return [w[0].slice(0, 3), w[2], w[1], w[3]].join(" ");
  });
  define(Time.prototype, "toTimeString", function () {
    return isNaN(this) ? "Invalid Date" : words.call(this)[4] + " GMT+0000 (Coordinated Universal Time)";
  });
  define(Time.prototype, "toString", function () {
    return isNaN(this) ? "Invalid Date" : this.toDateString() + " " + this.toTimeString();
  });
  define(globalThis, "Date", utc);

  define(Error, "captureStackTrace", (error) => { error.stack ??= String(error); });
  define(globalThis, "queueMicrotask", (f) => { Promise.resolve().then(f); });
  define(globalThis, "setInterval", () => refuse("setInterval"));
  define(Buffer, "byteLength", (of, encoding) => (typeof of === "string" ? Buffer.from(of, encoding).length : of.byteLength));
  define(Buffer, "isBuffer", (of) => of instanceof Buffer);
  // The engine takes an encoding that it does not know for UTF-8.
  const encodings = ["utf8", "utf-8", "hex", "base64", "base64url"];
  const encoding = (name) => {
    if (name !== undefined && !encodings.includes(String(name).toLowerCase())) refuse("the encoding " + name);
    return name === undefined ? undefined : String(name).toLowerCase().replace("base64url", "base64Url");
  };
  const bytesFrom = Buffer.from, bytesText = Buffer.prototype.toString;
  define(Buffer, "from", (of, ...rest) => bytesFrom(of, ...(typeof of === "string" ? [encoding(rest[0])] : rest)));
  define(Buffer.prototype, "toString", function (name, ...rest) { return bytesText.call(this, encoding(name), ...rest); });
  for (const name of ["fill", "indexOf", "lastIndexOf", "includes"]) {
    const plain = Uint8Array.prototype[name];
    define(Buffer.prototype, name, function (of, ...rest) {
      return typeof of === "number" ? plain.call(this, of, ...rest) : refuse("Buffer.prototype." + name + " with a text");
    });
  }
  define(globalThis, "atob", (text) => String.fromCharCode(...Buffer.from(String(text), "base64")));
  define(globalThis, "btoa", (text) => {
    const codes = [...String(text)].map((c) => c.codePointAt(0));
    if (codes.some((c) => c > 255)) throw new DOMException("Invalid character", "InvalidCharacterError");
    return Buffer.from(codes).toString("base64");
  });
  define(globalThis, "TextEncoder", class TextEncoder { encode(text = "") { return new Uint8Array(Buffer.from(String(text), "utf8")); } });
  define(globalThis, "TextDecoder", class TextDecoder {
    constructor(label = "utf-8") { if (!/^utf-?8$/i.test(label)) refuse("TextDecoder of " + label); }
    decode(bytes = new Uint8Array()) { return Buffer.from(bytes).toString("utf8"); }
  });

  class DOMException extends Error {
    constructor(message, name) { super(message); define(this, "name", name ?? "Error"); }
  }
  class AbortSignal {
    constructor() { this.aborted = false; this.reason = undefined; define(this, "listeners", []); }
    addEventListener(type, f) { if (type === "abort") this.listeners.push(f); }
    removeEventListener(type, f) { this.listeners = this.listeners.filter((other) => other !== f); }
    throwIfAborted() { if (this.aborted) throw this.reason; }
    static timeout(ms) {
      const signal = new AbortSignal();
      setTimeout(abort, ms, signal, new DOMException("The operation was aborted due to timeout", "TimeoutError"));
      return signal;
    }
    static abort(reason) { const c = new AbortController(); c.abort(reason); return c.signal; }
    static any() { return refuse("AbortSignal.any"); }
  }
  function abort(signal, reason) {
    if (signal.aborted) return;
    signal.aborted = true;
    signal.reason = reason;
    for (const f of signal.listeners) f({ type: "abort", target: signal });
  }
  class AbortController {
    constructor() { this.signal = new AbortSignal(); }
    abort(reason = new DOMException("This operation was aborted", "AbortError")) { abort(this.signal, reason); }
  }
  for (const c of [DOMException, AbortSignal, AbortController]) define(globalThis, c.name, c);

  class Headers {
    constructor(init) {
      this.map = new Map();
      const entries = init instanceof Headers || Array.isArray(init) ? [...init] : Object.entries(init ?? {});
      for (const [name, value] of entries) this.append(name, value);
    }
    append(name, value) {
      const key = String(name).toLowerCase();
      this.map.set(key, this.map.has(key) ? this.map.get(key) + ", " + value : String(value));
    }
    set(name, value) { this.map.set(String(name).toLowerCase(), String(value)); }
    get(name) { return this.map.get(String(name).toLowerCase()) ?? null; }
    has(name) { return this.map.has(String(name).toLowerCase()); }
    delete(name) { this.map.delete(String(name).toLowerCase()); }
    forEach(f) { for (const [name, value] of this) f(value, name, this); }
    entries() { return [...this.map].sort(([a], [b]) => (a < b ? -1 : 1))[Symbol.iterator](); }
    [Symbol.iterator]() { return this.entries(); }
  }
  define(globalThis, "Headers", Headers);

  // Body reads a response, part by part.
  class Response {
    constructor(from) {
      this.status = from.status;
      this.statusText = from.statusText;
      this.ok = from.status >= 200 && from.status < 300;
      this.url = from.url;
      this.redirected = from.redirected;
      this.headers = new Headers(from.headers);
      this.bodyUsed = false;
      const read = () => new Promise((resolve, reject) => {
        this.bodyUsed = true;
        from.read((part) => resolve(part ? { done: false, value: new Uint8Array(part) } : { done: true, value: undefined }), (error) => reject(error));
      });
      const cancel = async () => { from.cancel(); };
      this.body = from.empty ? null : { getReader: () => ({ read, cancel, releaseLock() {} }), cancel };
      define(this, "clone", () => refuse("Response.clone"));
      define(this, "formData", () => refuse("Response.formData"));
    }
    async bytes() {
      if (this.bodyUsed) throw new TypeError("Body is unusable: Body has already been read");
      const reader = this.body?.getReader();
      const parts = [];
      for (;;) {
        const part = reader ? await reader.read() : { done: true };
        if (part.done) return Buffer.concat(parts);
        parts.push(Buffer.from(part.value));
      }
    }
    async text() { return (await this.bytes()).toString("utf8"); }
    async json() { return JSON.parse(await this.text()); }
    async arrayBuffer() { return new Uint8Array(await this.bytes()).buffer; }
  }
  define(globalThis, "Response", Response);

  const start = __fetch;
  define(globalThis, "fetch", (input, init = {}) => new Promise((resolve, reject) => {
    const signal = init.signal;
    if (signal) signal.throwIfAborted();
    const headers = new Headers(init.headers);
    let body = init.body ?? "";
    if (body instanceof URLSearchParams) {
      body = body.toString();
      if (!headers.has("content-type")) headers.set("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
    } else if (typeof body === "string") {
      if (init.body != null && !headers.has("content-type")) headers.set("content-type", "text/plain;charset=UTF-8");
    } else if (!(body instanceof Uint8Array)) {
      refuse("this body of fetch");
    }
    const failed = (message) => {
      if (signal?.aborted) return signal.reason;
      const error = new TypeError("fetch failed");
      error.cause = new Error(message);
      return error;
    };
    const stop = start(
      { url: String(input), method: String(init.method ?? "GET").toUpperCase(), redirect: init.redirect ?? "follow", headers: [...headers] }, Buffer.from(body),
      (from) => resolve(new Response(from)), (message) => reject(failed(message)), failed,
    );
    signal?.addEventListener("abort", () => { stop(); reject(signal.reason); });
  }));

  const freeze = (value) => {
    if (value && typeof value === "object") {
      Object.values(value).forEach(freeze);
      Object.freeze(value);
    }
    return value;
  };
  class ValidationError extends Error {
    constructor(code, message) { super(message ?? code); this.name = "ValidationError"; this.code = code; }
  }
  class UnauthorizedError extends Error {
    constructor(message) { super(message); this.name = "UnauthorizedError"; }
  }
  class WrongUsernameOrPasswordError extends Error {
    constructor(user, message) { super(message ?? "Wrong username or password"); this.name = "WrongUsernameOrPasswordError"; this.user = user; }
  }
  delete globalThis.__fetch;
  return {
    freeze: (text) => freeze(JSON.parse(text)),
    follow: (promise, reject) => { promise.then(undefined, reject); },
    text: (value) => JSON.stringify(value),
    errors: { ValidationError, UnauthorizedError, WrongUsernameOrPasswordError },
  };
})();
