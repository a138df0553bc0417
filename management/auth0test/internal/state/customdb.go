package state

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// DatabaseScripts runs the scripts of custom databases, as scripts.Engine does.
type DatabaseScripts interface {
	Database(ctx context.Context, code, function string, configuration map[string]string, args ...any) (any, error)
}

// CustomDB is the customer's own database behind a connection, which scripts ask. Its
// methods are called without the tenant's mutex.
type CustomDB struct {
	Import bool // Users move to the tenant when the database has proved who they are.

	t             *Tenant
	con           *Connection
	engine        DatabaseScripts
	scripts       map[string]any
	configuration map[string]string
	context       map[string]any // The further argument of scripts; nil without one.
}

// CustomDB returns the database that a connection asks, nil if it asks none. ip is
// who is served, "" for the Management API. The caller holds the mutex.
func (t *Tenant) CustomDB(con *Connection, ip string) *CustomDB {
	if con == nil || !con.Database() || con.Options()["enabledDatabaseCustomization"] != true {
		return nil
	}
	o := store.Document(con.Options())
	d := &CustomDB{t: t, con: con, Import: o["import_mode"] == true, scripts: store.Clone(o.Sub("customScripts")), configuration: map[string]string{}}
	d.engine, _ = t.Auth.Actions.Scripts.(DatabaseScripts)
	for name, value := range o.Sub("configuration") {
		d.configuration[name], _ = value.(string)
	}
	if o["enable_script_context"] == true {
		d.context = map[string]any{"request": map[string]any{"ip": ip}}
	}
	return d
}

// ScriptError is why a script said no, or did not answer.
type ScriptError struct {
	Name, About, Message string // Of its error; About is the first argument of Auth0's own classes.
}

// Error returns what the script said.
func (e *ScriptError) Error() string { return e.Message }

// scriptTime is how long a script may take.
const scriptTime = 20 * time.Second

// run calls a script, which is one function, named or not.
func (d *CustomDB) run(name string, args ...any) (any, *ScriptError) {
	script, _ := d.scripts[name].(string)
	switch {
	case script == "":
		return nil, &ScriptError{Name: "Error", Message: "Please implement the " + name + " script for this database connection at https://manage.auth0.com/#/connections/database"}
	case d.engine == nil:
		return nil, &ScriptError{Name: "Error", Message: "auth0test runs no scripts of databases: call Tenant.RunScripts with an engine of auth0test/scripts"}
	}
	if d.context != nil {
		args = append(args, d.context)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptTime)
	defer cancel()
	v, err := d.engine.Database(ctx, "const script = (\n"+script+"\n);", "script", d.configuration, args...)
	if err == nil {
		return v, nil
	}
	failed := &ScriptError{Name: "Error", Message: err.Error()}
	if thrown, ok := errors.AsType[interface {
		error
		Thrown() (name, about string)
	}](err); ok {
		failed.Name, failed.About = thrown.Thrown()
	}
	return nil, failed
}

// Login asks for the user of a password.
func (d *CustomDB) Login(identifier, password string) (*User, *ScriptError) {
	v, failed := d.run("login", identifier, password)
	if failed != nil {
		return nil, failed
	}
	u, failed := d.user(v)
	if failed == nil && u == nil {
		failed = &ScriptError{Name: "Error", Message: "the login script returned no profile"}
	}
	return u, failed
}

// Find asks for the user of an email address, or of a username; nil if there is none.
func (d *CustomDB) Find(identifier string) (*User, *ScriptError) {
	v, failed := d.run("get_user", identifier)
	if failed != nil {
		return nil, failed
	}
	return d.user(v)
}

// Create makes a user who signs up for an application, and asks who it is.
func (d *CustomDB) Create(u *User, password, clientID string) (*User, *ScriptError) {
	doc := map[string]any{"client_id": clientID, "tenant": "tenant", "connection": d.con.Name, "email": u.Email, "password": password}
	if u.Username != "" {
		doc["username"] = u.Username
	}
	for name, m := range map[string]map[string]any{"user_metadata": u.UserMetadata, "app_metadata": u.AppMetadata} {
		if m != nil {
			doc[name] = m
		}
	}
	if _, failed := d.run("create", doc); failed != nil {
		return nil, failed
	}
	return d.Login(u.Identifiers()[0], password)
}

// user makes a user of the profile that a script returned; nil of none.
func (d *CustomDB) user(v any) (*User, *ScriptError) {
	if v == nil {
		return nil, nil
	}
	m, _ := v.(map[string]any)
	id := ""
	switch v := m["user_id"].(type) {
	case string:
		id = v
	case float64:
		id = fmt.Sprint(v)
	}
	if id == "" {
		return nil, &ScriptError{Name: "Error", Message: "the profile of the script has no user_id"}
	}
	now := d.t.Now()
	u := NewUser(d.con, m, strings.TrimPrefix(id, d.con.Strategy+"|"), now)
	if len(u.Identifiers()) == 0 {
		return nil, &ScriptError{Name: "Error", Message: "the profile of the script has no email, username or phone_number"}
	}
	return u, nil
}

// Adopt adds a user of the database to the tenant, or returns the one who is there
// by the same id. The caller holds the mutex.
func (d *CustomDB) Adopt(u *User, secret Credential) (*User, *ScriptError) {
	if old := d.t.Users.Get(u.ID); old != nil {
		return old, nil
	}
	if d.t.Taken(u, nil, d.con.Name) {
		return nil, &ScriptError{Name: "Error", Message: "The user already exists."}
	}
	if d.Import {
		u.Password = secret
	}
	d.t.Users.Add(u)
	d.t.Searchable(u)
	return u, nil
}

// SetFirstPassword sets the password of a new user, unless the customer's own
// database keeps it. The caller holds the mutex.
func (t *Tenant) SetFirstPassword(u *User, secret Credential) {
	if d := t.CustomDB(t.ConnectionNamed(u.Connection()), ""); d == nil || d.Import {
		u.Password = secret
	}
}

// ChangePassword changes a password where it is kept. The caller holds the mutex,
// which is given up while a script runs.
func (t *Tenant) ChangePassword(u *User, con *Connection, password string, secret Credential, ip string, now time.Time) *ScriptError {
	if d := t.CustomDB(con, ip); d == nil || d.Import {
		u.SetPassword(secret, now)
		return nil
	}
	failed := t.ChangeThere(con, ip, "change_password", u.Identifiers()[0], password)
	if failed == nil {
		u.SetPassword(Credential{}, now)
	}
	return failed
}

// ChangeThere runs a script that changes a user in the customer's own database, if
// the users of the connection stay there. The caller holds the mutex, which is
// given up while the script runs.
func (t *Tenant) ChangeThere(con *Connection, ip, script string, args ...any) *ScriptError {
	d := t.CustomDB(con, ip)
	if d == nil || d.Import {
		return nil
	}
	t.Unlock()
	v, failed := d.run(script, args...)
	t.Lock()
	_, object := v.(map[string]any)
	if failed == nil && v != true && !object && script != "delete" { // Which calls back with nothing.
		failed = &ScriptError{Name: "Error", Message: "The user was not changed: the script " + script + " said so."}
	}
	return failed
}

// DeleteUser removes a user, first from the customer's own database. The caller
// holds the mutex, which is given up while a script runs.
func (t *Tenant) DeleteUser(u *User) *ScriptError {
	failed := t.ChangeThere(t.ConnectionNamed(u.Connection()), "", "delete", u.Identities[0].UserID)
	if failed == nil && t.Users.Get(u.ID) == u { // Nobody else was faster.
		t.RemoveUser(u)
	}
	return failed
}
