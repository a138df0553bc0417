const crypto = require("node:crypto");

// What makes the breaker open: milliseconds that failures have cost since the last
// answer. A failure counts half a second at least. Those before it opens cost most
// together. It stays open for pause.
const limit = 1500;
const most = 1900;
const pause = 10000;
const maxRequest = 131072;
const maxAnswer = 65536;
const maxSkew = 60;

// The cache is that of all Actions of the trigger: another server has another hint.
const hint = "auth0kit-open-" + crypto.createHash("sha256").update(CONFIG.key + CONFIG.url).digest("hex").slice(0, 16);

// The state of this instance. Auth0 may run the Action in several, and end them.
const state = { lost: 0, until: 0, probing: false, fresh: true };

// The commands of an answer, in the order in which they are carried out.
const operations = {
  "appMetadata": (api, c) => api.user.setAppMetadata(c.name, c.value ?? null),
  "userMetadata": (api, c) => api.user.setUserMetadata(c.name, c.value ?? null),
  "scope.add": (api, c) => api.accessToken.addScope(c.name),
  "scope.remove": (api, c) => api.accessToken.removeScope(c.name),
  "idToken.claim": (api, c) => api.idToken.setCustomClaim(c.name, c.value),
  "accessToken.claim": (api, c) => api.accessToken.setCustomClaim(c.name, c.value),
  "mfa": (api) => api.multifactor.enable("any", { allowRememberBrowser: false }),
  "deny": (api, c) => deny(api, c.name),
};

// deny denies. For an application, code tells whether to try again is of use.
function deny(api, reason, code) {
  if (CONFIG.trigger === "credentials-exchange") {
    api.access.deny(code ?? "invalid_request", reason);
  } else if (CONFIG.trigger === "pre-user-registration") {
    api.access.deny("auth0kit", reason);
  } else {
    api.access.deny(reason);
  }
}

// run is the Action. It never throws: without an answer it does what the
// deployment says.
async function run(event, api) {
  try {
    if (CONFIG.suspended && (suspended(event.user?.app_metadata) || suspended(event.organization?.metadata))) {
      deny(api, CONFIG.suspended);
      return;
    }
    const commands = await ask(event, api);
    if (commands && carriedOut(api, commands)) return;
  } catch (error) {
    note(error);
  }
  try {
    withoutAnswer(api);
  } catch (error) {
    note(error);
  }
}

// carriedOut carries commands out, each whatever has become of the others: one that
// Auth0 refuses takes no denial with it. It reports whether all was done, or denied.
function carriedOut(api, commands) {
  let denied = false;
  let failed = false;
  for (const op of CONFIG.operations) {
    for (const c of commands) {
      if (c.op !== op) continue;
      try {
        operations[op](api, c);
        denied = denied || op === "deny";
      } catch (error) {
        note(error);
        failed = true;
      }
    }
  }
  return denied || !failed;
}

function withoutAnswer(api) {
  if (CONFIG.unreachable === "mfa") {
    operations.mfa(api);
  } else if (CONFIG.unreachable !== "allow") {
    deny(api, CONFIG.unavailable, "server_error");
  }
}

function note(error) {
  console.log("auth0kit: " + String(error?.message).slice(0, 200));
}

// suspended is the function of that name in Go.
function suspended(metadata) {
  if (!metadata) return false;
  for (const key of ["suspended", "blocked"]) {
    const v = metadata[key];
    if (v === undefined || v === null || v === false || v === 0) continue;
    if (typeof v === "string" && ["", "false", "no", "0"].includes(lower(v))) continue;
    return true;
  }
  for (const key of ["account_status", "status"]) {
    const v = metadata[key];
    if (typeof v === "string" && ["suspended", "blocked"].includes(lower(v))) return true;
  }
  return false;
}

// lower makes ASCII letters small.
function lower(text) {
  return text.replace(/[A-Z]/g, (c) => c.toLowerCase());
}

// ask returns the commands for an event, or nothing. The breaker keeps a server that
// is down from costing each login the whole timeout.
async function ask(event, api) {
  const started = Date.now();
  if (isOpen(api, started)) return null;
  const body = JSON.stringify({ v: 1, trigger: CONFIG.trigger, sends: CONFIG.sends, event: subject(event) });
  if (Buffer.byteLength(body) > maxRequest) throw new Error("the event is too large"); // No failure of the server.
  const probe = state.lost >= limit;
  if (probe && state.probing) return null;
  state.probing = state.probing || probe;
  try {
    const commands = await exchange(event, body, patience(probe));
    if (state.lost >= limit) cached(() => api.cache.delete(hint));
    state.lost = 0;
    return commands;
  } catch (error) {
    note(error);
    if (!error?.innocent) {
      const now = Date.now();
      state.lost += Math.max(now - started, 500);
      if (state.lost >= limit) {
        state.until = now + pause;
        cached(() => api.cache.set(hint, String(state.until), { ttl: pause }));
      }
    }
    return null;
  } finally {
    if (probe) state.probing = false;
  }
}

// patience is less after a failure.
function patience(probe) {
  if (state.lost === 0) return CONFIG.timeout;
  const less = (CONFIG.timeout * 3) / 4;
  return probe ? less : Math.min(less, most - state.lost);
}

// isOpen asks this instance first; a fresh one looks whether another has left a hint.
function isOpen(api, now) {
  if (state.fresh) {
    state.fresh = false;
    const until = Number(cached(() => api.cache.get(hint))?.value);
    if (until > now) {
      state.until = until;
      state.lost = limit;
    }
  }
  return state.until > now && state.until <= now + pause; // The clock may have been set back.
}

// cached uses api.cache, which may be missing or fail: it is a hint.
function cached(use) {
  try {
    return use();
  } catch (error) {
    return undefined;
  }
}

// exchange asks the server.
async function exchange(event, body, patience) {
  const secret = event.secrets?.AUTH0KIT_KEY ?? "";
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  if (key.length < 24) throw new Error("the secret AUTH0KIT_KEY is missing");
  const id = crypto.randomUUID();
  const stamp = String(Math.floor(Date.now() / 1000));
  const response = await fetch(CONFIG.url, {
    method: "POST",
    redirect: "error",
    signal: AbortSignal.timeout(Math.floor(patience)),
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": stamp,
      "webhook-signature": "v1," + sign(key, id, stamp, body),
      "auth0kit-deadline": String(Math.floor(Math.max(patience - 100, patience / 2))),
    },
    body: body,
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    const error = new Error("the server answered " + response.status);
    // What is wrong with one event is no fault of the server: the breaker does not count it.
    error.innocent = [400, 409, 413].includes(response.status);
    throw error;
  }
  const text = await read(response);
  verify(response.headers, "re_" + id, key, text);
  return checked(JSON.parse(text));
}

function sign(key, id, stamp, body) {
  return crypto.createHmac("sha256", key).update(id + "." + stamp + "." + body).digest("base64");
}

// read reads an answer, and gives up on one that is too large.
async function read(response) {
  if (!response.body) return "";
  const reader = response.body.getReader();
  const chunks = [];
  let size = 0;
  for (;;) {
    const part = await reader.read();
    if (part.done) return Buffer.concat(chunks).toString("utf8");
    size += part.value.length;
    if (size > maxAnswer) {
      await reader.cancel();
      throw new Error("the answer is too large");
    }
    chunks.push(part.value);
  }
}

// verify checks that the server has signed this answer to this request, just now.
function verify(headers, id, key, text) {
  const stamp = headers.get("webhook-timestamp") ?? "";
  if (headers.get("webhook-id") !== id) throw new Error("the answer is to another request");
  if (!(Math.abs(Date.now() / 1000 - Number(stamp)) <= maxSkew)) throw new Error("the answer is of another time");
  const want = Buffer.from(sign(key, id, stamp, text));
  for (const given of (headers.get("webhook-signature") ?? "").split(" ")) {
    const have = Buffer.from(given.replace("v1,", ""));
    if (given.startsWith("v1,") && have.length === want.length && crypto.timingSafeEqual(have, want)) return;
  }
  throw new Error("the answer is not signed by the server");
}

// checked returns the commands of an answer; one that is not known spoils all.
function checked(answer) {
  if (answer?.v !== 1 || !Array.isArray(answer.commands)) throw new Error("the answer is of another version");
  for (const c of answer.commands) {
    const named = c?.op === "mfa" || (typeof c?.name === "string" && c.name !== "");
    if (!named || !CONFIG.operations.includes(c.op)) throw new Error("the answer has an unknown command");
  }
  return answer.commands;
}

// subject is what is sent of an event: ids, the flow, app_metadata, and what the
// steps need.
function subject(event) {
  const user = { user_id: event.user?.user_id, app_metadata: event.user?.app_metadata, created_at: event.user?.created_at };
  const client = event.client ?? {};
  const request = {};
  const out = {
    tenant: { id: event.tenant?.id },
    user: user,
    client: { id: client.client_id, name: client.name, metadata: client.metadata },
    connection: { id: event.connection?.id, name: event.connection?.name, kind: event.connection?.strategy },
    organization: { id: event.organization?.id, name: event.organization?.name },
    session: { id: event.session?.id },
    actor: actor(event),
    request: request,
    authentication: { methods: (event.authentication?.methods ?? []).map((m) => ({ name: m.name, type: m.type, timestamp: m.timestamp })) },
    authorization: {},
    resource_server: { identifier: event.resource_server?.identifier },
    stats: { logins_count: event.stats?.logins_count },
    transaction: {
      protocol: event.transaction?.protocol,
      prompt: [].concat(event.transaction?.prompt ?? [], event.request?.query?.prompt ?? []),
      requested_scopes: event.transaction?.requested_scopes,
      correlation_id: event.transaction?.correlation_id,
    },
  };
  for (const name of CONFIG.sends) {
    const [part, field] = name.split(".");
    if (part === "user") user[field] = event.user?.[field];
    else if (part === "request") request[field] = field === "geoip" ? { country_code: event.request?.geoip?.countryCode } : event.request?.[field];
    else if (part === "authorization") out.authorization.roles = event.authorization?.roles;
    else out[part].metadata = event[part]?.metadata;
  }
  return out;
}

// actor tells who acts when it is not the user. One without an id is one too.
function actor(event) {
  for (const [kind, who] of [["agent", event.agent], ["session", event.session?.actor], ["transaction", event.transaction?.actor]]) {
    if (who) return { kind: kind, id: typeof who === "string" ? who : String(who.agent_id ?? who.user_id ?? who.sub ?? who.id ?? who.client_id ?? "") };
  }
  return undefined;
}
