package auth0test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/auth0hash"
)

// upload is a parsed import request.
type upload struct {
	fields map[string]string
	users  []byte
	found  bool // The part users is there.
}

// importUsers takes an import job.
func importUsers(c *call) *reply {
	up, bad := c.readUpload()
	if bad != nil {
		return bad
	}
	c.now = c.t.lock()
	defer c.t.mu.Unlock()
	con, bad := c.importTarget(up)
	if bad != nil {
		return bad
	}
	active := 0
	for _, j := range c.t.jobs.all() {
		if j.kind == "users_import" && j.running() {
			active++
		}
	}
	if active >= jobSlots {
		return fail(http.StatusTooManyRequests, fmt.Sprintf(
			"There are %d active import users jobs, please wait until some of them are finished and try again", active), "too_many_requests")
	}
	j := &job{kind: "users_import", doc: map[string]any{"connection_id": con.id, "connection": con.name}}
	if id := up.fields["external_id"]; id != "" {
		j.doc["external_id"] = id
	}
	run := &importRun{t: c.t, j: j, con: con, upsert: up.fields["upsert"] == "true"}
	c.t.startJob(j, c.now, func(now time.Time) { run.all(up.users, now) })
	return accepted(j.view(c.now))
}

// readUpload reads the multipart body before the mutex is taken.
func (c *call) readUpload() (*upload, *reply) {
	tooBig := fail(http.StatusRequestEntityTooLarge, fmt.Sprintf("Payload content length greater than maximum allowed: %d", jobLimit), "")
	malformed := badRequest("Payload validation error: 'Invalid multipart payload format'.", "invalid_body")
	if c.r.ContentLength > jobLimit {
		return nil, tooBig
	}
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, malformed
	}
	up := &upload{fields: make(map[string]string)}
	parts := multipart.NewReader(http.MaxBytesReader(c.w, c.r.Body, jobLimit), params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return up, nil
		}
		if err == nil {
			err = up.add(part)
		}
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return nil, tooBig
		}
		if err != nil {
			return nil, malformed
		}
	}
}

func (up *upload) add(part *multipart.Part) error {
	b, err := io.ReadAll(part)
	if part.FormName() == "users" {
		up.users, up.found = b, true
		return err
	}
	up.fields[part.FormName()] = string(b)
	return err
}

func (c *call) importTarget(up *upload) (*connection, *reply) {
	con := c.t.connections.get(up.fields["connection_id"])
	text := ""
	switch {
	case !up.found:
		text = "Must provide 'users' file as multipart part."
	case len(strings.TrimSpace(string(up.users))) == 0:
		text = "Users file must not be empty."
	case up.fields["connection_id"] == "":
		text = "Must provide 'connection_id' as multipart part."
	case con == nil:
		text = "The connection does not exist."
	case !con.database():
		text = "Connection must be a database connection."
	case len(con.clients) == 0:
		text = "Connection must be enabled."
	case con.options()["enabledDatabaseCustomization"] == true && con.options()["import_mode"] != true:
		text = "Custom Database Connections without import mode are not allowed."
	}
	if text != "" {
		return nil, badRequest(text, "")
	}
	return con, nil
}

// importRun is the work of one import job.
type importRun struct {
	t      *Tenant
	j      *job
	con    *connection
	upsert bool
	seen   map[string]bool // Identifiers of earlier rows of the file.

	failed, updated, inserted int
}

// all imports a file. Rows are independent of each other: bad ones are listed,
// the job still completes.
func (r *importRun) all(file []byte, now time.Time) {
	var rows []any
	if err := json.Unmarshal(file, &rows); err != nil {
		r.j.fail("Failed to parse users file JSON when importing users. Make sure it is valid JSON.")
		return
	}
	if r.t.connections.get(r.con.id) != r.con {
		r.j.fail("The connection does not exist.")
		return
	}
	r.seen = make(map[string]bool, 2*len(rows))
	for _, row := range rows {
		if bad := r.one(row, now); bad != nil {
			r.failed++
			r.j.errors = append(r.j.errors, map[string]any{"user": redacted(row), "errors": []any{bad.view()}})
		}
	}
	r.j.doc["summary"] = map[string]any{
		"failed": r.failed, "updated": r.updated, "inserted": r.inserted, "total": len(rows),
	}
}

func (v *violation) view() map[string]any {
	m := map[string]any{"code": v.code, "message": v.text}
	if v.path != "" {
		m["path"] = v.path
	}
	return m
}

func (r *importRun) one(row any, now time.Time) *violation {
	if bad := importShape().check(row); bad != nil {
		bad.code = importCode(bad.code)
		return bad
	}
	m := row.(map[string]any)
	secret, bad := importedSecret(m)
	if bad != nil {
		return bad
	}
	u := r.user(m, now)
	if r.repeated(u) {
		return &violation{code: "DUPLICATED_USER", text: "The user is more than once in the file"}
	}
	same := r.t.users.withEmail(r.con.name, u.email)
	if same == nil || !r.upsert {
		if bad := r.free(u); bad != nil {
			return bad
		}
		u.password = secret
		r.t.users.add(u)
		r.t.searchable(u)
		r.inserted++
		return nil
	}
	if bad := r.clash(same, u); bad != nil {
		return bad
	}
	r.overwrite(same, m, u, secret, now)
	r.updated++
	return nil
}

// repeated notes the identifiers of a row and tells whether one was there before.
func (r *importRun) repeated(u *user) bool {
	again := false
	for kind, v := range map[string]string{"email": u.email, "id": u.id, "username": u.username, "phone": u.phone} {
		if v == "" {
			continue
		}
		again = again || r.seen[kind+":"+v]
		r.seen[kind+":"+v] = true
	}
	return again
}

// free makes sure that no identifier of a new user is taken.
func (r *importRun) free(u *user) *violation {
	if !r.t.taken(u, r.con.name) {
		return nil
	}
	if !r.upsert {
		return &violation{code: "DUPLICATED_USER", text: "The user already exist and upsert parameter is false"}
	}
	if u.username != "" && r.t.users.withUsername(r.con.name, u.username) != nil {
		return &violation{code: "CONFLICT_USERNAME", text: "Another user has this username", path: "username"}
	}
	if r.t.users.get(u.id) != nil {
		return &violation{code: "CONFLICT_EMAIL", text: "The user exists with another email", path: "email"}
	}
	return &violation{code: "CONFLICT", text: "Another user has one of these identifiers"}
}

// clash refuses an upsert whose row names identifiers of another user.
func (r *importRun) clash(same, u *user) *violation {
	if u.id != same.id && r.t.users.get(u.id) != nil {
		return &violation{code: "CONFLICT", text: "Another user has this user_id", path: "user_id"}
	}
	if o := r.t.users.withUsername(r.con.name, u.username); u.username != "" && o != nil && o != same {
		return &violation{code: "CONFLICT_USERNAME", text: "Another user has this username", path: "username"}
	}
	return nil
}

// user makes a user of a row.
func (r *importRun) user(m map[string]any, now time.Time) *user {
	text := func(key string) string { s, _ := m[key].(string); return s }
	yes := func(key string) bool { b, _ := m[key].(bool); return b }
	raw := text("user_id")
	if raw == "" {
		raw = newUserID(now)
	}
	id, identities := newIdentity(r.con, raw)
	u := &user{
		id: id, email: strings.ToLower(text("email")), username: strings.ToLower(text("username")), phone: text("phone_number"),
		name: text("name"), nickname: text("nickname"), given: text("given_name"), family: text("family_name"), picture: text("picture"),
		emailVerified: yes("email_verified"), phoneVerified: yes("phone_verified"), blocked: yes("blocked"), blockedSaid: yes("blocked"),
		createdAt: now, updatedAt: now, identities: identities,
	}
	u.appMetadata, _ = m["app_metadata"].(map[string]any)
	u.userMetadata, _ = m["user_metadata"].(map[string]any)
	u.mfaFactors, _ = m["mfa_factors"].([]any)
	return u
}

// overwrite applies what an upsert may change. Metadata is replaced, not merged,
// and a hash counts only until the first login.
func (r *importRun) overwrite(old *user, m map[string]any, u *user, secret credential, now time.Time) {
	for key, copy := range map[string]func(){
		"email_verified": func() { old.emailVerified = u.emailVerified },
		"given_name":     func() { old.given = u.given },
		"family_name":    func() { old.family = u.family },
		"name":           func() { old.name = u.name },
		"nickname":       func() { old.nickname = u.nickname },
		"picture":        func() { old.picture = u.picture },
		"app_metadata":   func() { old.appMetadata = u.appMetadata },
		"user_metadata":  func() { old.userMetadata = u.userMetadata },
		"mfa_factors":    func() { old.mfaFactors = u.mfaFactors },
		"custom_password_hash": func() {
			if old.loginsCount == 0 {
				old.password = secret
			}
		},
	} {
		if _, has := m[key]; has {
			copy()
		}
	}
	r.t.touch(old, now)
}

// importedSecret reads the hash of a row.
func importedSecret(m map[string]any) (credential, *violation) {
	var hash *auth0hash.Hash
	var err error
	if s, has := m["password_hash"].(string); has {
		hash, err = auth0hash.ParseBcrypt(s)
	} else if custom, has := m["custom_password_hash"]; has {
		raw, _ := json.Marshal(custom)
		hash, err = auth0hash.ParseCustom(raw)
	} else {
		return credential{}, nil
	}
	if bad, is := errors.AsType[*auth0hash.SchemaError](err); is {
		return credential{}, &violation{code: bad.Code, text: bad.Message, path: bad.Path}
	}
	if err != nil {
		return credential{}, &violation{code: "NOT_PASSED", text: "The password hash cannot be used"}
	}
	return credential{imported: hash}, nil
}

// redacted is a row as the errors show it, without hashes.
func redacted(row any) any {
	m, isObject := row.(map[string]any)
	if !isObject {
		return row
	}
	m = clone(m)
	if _, has := m["password_hash"]; has {
		m["password_hash"] = "*****"
	}
	if custom, has := m["custom_password_hash"].(map[string]any); has {
		custom = clone(custom)
		for _, part := range []string{"hash", "salt"} {
			if p, has := custom[part].(map[string]any); has {
				p = clone(p)
				for _, k := range []string{"value", "key"} {
					if _, has := p[k]; has {
						p[k] = "*****"
					}
				}
				custom[part] = p
			}
		}
		m["custom_password_hash"] = custom
	}
	return m
}
