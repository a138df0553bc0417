package users

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
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// upload is a parsed import request.
type upload struct {
	fields map[string]string
	users  []byte
	found  bool // The part users is there.
}

// importUsers takes an import job.
func importUsers(c *mgmtapi.Call) *mgmtapi.Reply {
	up, bad := readUpload(c)
	if bad != nil {
		return bad
	}
	c.Now = c.T.Lock()
	defer c.T.Unlock()
	con, bad := importTarget(c, up)
	if bad != nil {
		return bad
	}
	active := 0
	for _, j := range jobsOf(c.T).All() {
		if j.kind == "users_import" && j.running() {
			active++
		}
	}
	if active >= jobSlots {
		return mgmtapi.Fail(http.StatusTooManyRequests, fmt.Sprintf(
			"There are %d active import users jobs, please wait until some of them are finished and try again", active), "too_many_requests")
	}
	j := &job{kind: "users_import", doc: map[string]any{"connection_id": con.ID, "connection": con.Name}}
	if id := up.fields["external_id"]; id != "" {
		j.doc["external_id"] = id
	}
	run := &importRun{t: c.T, j: j, con: con, upsert: up.fields["upsert"] == "true"}
	startJob(c.T, j, c.Now, func(now time.Time) { run.all(up.users, now) })
	return mgmtapi.Accepted(j.view(c.Now))
}

// readUpload reads the multipart body before the mutex is taken.
func readUpload(c *mgmtapi.Call) (*upload, *mgmtapi.Reply) {
	tooBig := mgmtapi.Fail(http.StatusRequestEntityTooLarge, fmt.Sprintf("Payload content length greater than maximum allowed: %d", jobLimit), "")
	malformed := mgmtapi.BadRequest("Payload validation error: 'Invalid multipart payload format'.", "invalid_body")
	if c.R.ContentLength > jobLimit {
		return nil, tooBig
	}
	kind, params, err := mime.ParseMediaType(c.R.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, malformed
	}
	up := &upload{fields: make(map[string]string)}
	parts := multipart.NewReader(http.MaxBytesReader(c.W, c.R.Body, jobLimit), params["boundary"])
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

func importTarget(c *mgmtapi.Call, up *upload) (*state.Connection, *mgmtapi.Reply) {
	con := c.T.Connections.Get(up.fields["connection_id"])
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
	case !con.Database():
		text = "Connection must be a database connection."
	case len(con.Clients) == 0:
		text = "Connection must be enabled."
	case con.Options()["enabledDatabaseCustomization"] == true && con.Options()["import_mode"] != true:
		text = "Custom Database Connections without import mode are not allowed."
	}
	if text != "" {
		return nil, mgmtapi.BadRequest(text, "")
	}
	return con, nil
}

// importRun is the work of one import job.
type importRun struct {
	t      *state.Tenant
	j      *job
	con    *state.Connection
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
	if r.t.Connections.Get(r.con.ID) != r.con {
		r.j.fail("The connection does not exist.")
		return
	}
	r.seen = make(map[string]bool, 2*len(rows))
	for _, row := range rows {
		if bad := r.one(row, now); bad != nil {
			r.failed++
			r.j.errors = append(r.j.errors, map[string]any{"user": redacted(row), "errors": []any{bad}})
		}
	}
	r.j.doc["summary"] = map[string]any{
		"failed": r.failed, "updated": r.updated, "inserted": r.inserted, "total": len(rows),
	}
}

func (r *importRun) one(row any, now time.Time) *schema.Violation {
	if bad := schema.ImportShape().Check(row); bad != nil {
		bad.Code = schema.ImportCode(bad.Code)
		return bad
	}
	m := row.(map[string]any)
	if name, _ := m["username"].(string); name != "" {
		if text := r.con.CheckUsername(name); text != "" { // As strict as a creation.
			return &schema.Violation{Code: "INVALID_FORMAT", Text: text, Path: "username"}
		}
	}
	secret, bad := importedSecret(m)
	if bad != nil {
		return bad
	}
	raw, _ := m["user_id"].(string)
	u := state.NewUser(r.con, m, raw, now)
	if r.repeated(u) {
		return &schema.Violation{Code: "DUPLICATED_USER", Text: "The user is more than once in the file"}
	}
	same := r.t.Users.WithEmail(r.con.Name, u.Email)
	if same == nil || !r.upsert {
		if bad := r.free(u); bad != nil {
			return bad
		}
		u.Password = secret
		r.t.Users.Add(u)
		r.t.Searchable(u)
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
func (r *importRun) repeated(u *state.User) bool {
	again := false
	for kind, v := range map[string]string{"email": u.Email, "id": u.ID, "username": u.Username, "phone": u.Phone} {
		if v == "" {
			continue
		}
		again = again || r.seen[kind+":"+v]
		r.seen[kind+":"+v] = true
	}
	return again
}

// free makes sure that no identifier of a new user is taken.
func (r *importRun) free(u *state.User) *schema.Violation {
	if !r.t.Taken(u, nil, r.con.Name) {
		return nil
	}
	if !r.upsert {
		return &schema.Violation{Code: "DUPLICATED_USER", Text: "The user already exist and upsert parameter is false"}
	}
	if u.Username != "" && r.t.Users.WithUsername(r.con.Name, u.Username) != nil {
		return &schema.Violation{Code: "CONFLICT_USERNAME", Text: "Another user has this username", Path: "username"}
	}
	if r.t.Users.Get(u.ID) != nil {
		return &schema.Violation{Code: "CONFLICT_EMAIL", Text: "The user exists with another email", Path: "email"}
	}
	return &schema.Violation{Code: "CONFLICT", Text: "Another user has one of these identifiers"}
}

// clash refuses an upsert whose row names identifiers of another user.
func (r *importRun) clash(same, u *state.User) *schema.Violation {
	if u.ID != same.ID && r.t.Users.Get(u.ID) != nil {
		return &schema.Violation{Code: "CONFLICT", Text: "Another user has this user_id", Path: "user_id"}
	}
	if o := r.t.Users.WithUsername(r.con.Name, u.Username); u.Username != "" && o != nil && o != same {
		return &schema.Violation{Code: "CONFLICT_USERNAME", Text: "Another user has this username", Path: "username"}
	}
	return nil
}

// overwrite applies what an upsert may change. Metadata is replaced, not merged,
// and a hash counts only until the first login.
func (r *importRun) overwrite(old *state.User, m map[string]any, u *state.User, secret state.Credential, now time.Time) {
	said := store.Clone(m)
	for _, kept := range []string{"email", "username", "phone_number", "phone_verified", "blocked"} {
		delete(said, kept)
	}
	old.Read(said)
	if m["app_metadata"] != nil {
		old.AppMetadata = u.AppMetadata
	}
	if m["user_metadata"] != nil {
		old.UserMetadata = u.UserMetadata
	}
	if m["mfa_factors"] != nil {
		old.MFAFactors = u.MFAFactors
	}
	if m["custom_password_hash"] != nil && old.LoginsCount == 0 {
		old.Password = secret
	}
	r.t.Touch(old, now)
}

// importedSecret reads the hash of a row.
func importedSecret(m map[string]any) (state.Credential, *schema.Violation) {
	var hash *auth0hash.Hash
	var err error
	if s, has := m["password_hash"].(string); has {
		hash, err = auth0hash.ParseBcrypt(s)
	} else if custom, has := m["custom_password_hash"]; has {
		raw, _ := json.Marshal(custom)
		hash, err = auth0hash.ParseCustom(raw)
	} else {
		return state.Credential{}, nil
	}
	if bad, is := errors.AsType[*auth0hash.SchemaError](err); is {
		return state.Credential{}, &schema.Violation{Code: bad.Code, Text: bad.Message, Path: bad.Path}
	}
	if err != nil {
		return state.Credential{}, &schema.Violation{Code: "NOT_PASSED", Text: "The password hash cannot be used"}
	}
	return state.Credential{Imported: hash}, nil
}

// redacted is a row as the errors show it, without hashes.
func redacted(row any) any {
	row = store.DeepCopy(row)
	m, _ := row.(map[string]any)
	custom := store.Document(m).Sub("custom_password_hash")
	hide := func(m map[string]any, names ...string) {
		for _, name := range names {
			if _, has := m[name]; has {
				m[name] = "*****"
			}
		}
	}
	hide(m, "password_hash")
	hide(custom.Sub("hash"), "value", "key")
	hide(custom.Sub("salt"), "value", "key")
	return row
}
