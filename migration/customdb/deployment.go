package customdb

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/internal/webhook"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Target is the part of Auth0 that a Deployment needs. *management.Client implements
// it. It needs the scopes read:connections and update:connections.
type Target interface {
	DatabaseConnections(ctx context.Context) ([]resource.Connection, error)
	SetConnectionOptions(ctx context.Context, id string, options map[string]any) error
}

// DeploymentConfig holds a Deployment's optional settings. The zero value uses the
// defaults.
type DeploymentConfig struct {
	ChangePassword bool          // Also the script change_password, for Config.ChangePassword.
	Timeout        time.Duration // How long a script waits. Defaults to 10 s; at most 15 s, since Auth0 stops it after 20 s.
}

// Deployment puts the scripts into a connection. It is safe for concurrent use, but
// Auth0 has no lock: of two that apply at once the later one counts.
type Deployment struct {
	target     Target
	connection string
	url        *string   // pointers, which fmt prints as addresses
	keys       *[]string // as Standard Webhooks writes them
	cfg        DeploymentConfig
}

// NewDeployment returns a Deployment for a connection by name. base is the URL of
// the Handler without the name of the script, with a slash at its end; it must be
// https, but for this machine. keys are one or two, the first signs. It does no I/O.
func NewDeployment(t Target, connection, base string, keys [][]byte, cfg DeploymentConfig) (*Deployment, error) {
	u, err := url.Parse(base)
	local := err == nil && u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost")
	switch {
	case t == nil:
		return nil, errors.New("customdb: target must not be nil: give NewDeployment a *management.Client")
	case connection == "":
		return nil, errors.New("customdb: connection must not be empty: name a database connection of the tenant")
	case err != nil || u.Host == "" || u.Scheme != "https" && !local || !strings.HasSuffix(u.Path, "/") || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.ContainsAny(base, "'\\\n\r"):
		return nil, errors.New("customdb: url must be like https://login.example.com/auth0/customdb/, with a slash at its end")
	case cfg.Timeout < 0 || cfg.Timeout > 15*time.Second:
		return nil, errors.New("customdb: DeploymentConfig.Timeout must be at most 15 s, and not negative")
	case len(keys) > 2:
		return nil, errors.New("customdb: keys must be one or two")
	}
	if _, err := webhook.New(keys); err != nil {
		return nil, fmt.Errorf("customdb: %w", err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	d := &Deployment{target: t, connection: connection, url: &base, cfg: cfg, keys: &[]string{}}
	for _, key := range keys {
		*d.keys = append(*d.keys, webhook.Secret(key))
	}
	return d, nil
}

// ErrDrift is returned by Apply when the connection has changed since the plan.
var ErrDrift = errors.New("customdb: the connection has changed since the plan was made; plan again")

// Plan holds what Apply would change. It prints without keys.
type Plan struct {
	connectionID string
	before       map[string]any
	after        map[string]any
	changes      []string
}

// Format shows the changes only.
func (p Plan) Format(f fmt.State, _ rune) { secret.Format(f, p) }

// LogValue shows the changes only.
func (p Plan) LogValue() slog.Value {
	return secret.Shown(slog.String("changes", strings.Join(p.changes, "; ")))
}

// MarshalJSON hides the options wherever something that contains p is logged as JSON.
func (p Plan) MarshalJSON() ([]byte, error) { return secret.JSON(p) }

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.changes) == 0 }

// WriteDiff writes one line for each change, without keys.
func (p *Plan) WriteDiff(w io.Writer) error {
	for _, change := range p.changes {
		if _, err := fmt.Fprintln(w, change); err != nil {
			return err
		}
	}
	return nil
}

const (
	keyName    = "AUTH0KIT_KEY"
	oldKeyName = "AUTH0KIT_OLD_KEY"
	made       = "// Made by auth0kit, migration/customdb"
)

// Plan reads the connection and plans to put the scripts in, to turn the custom
// database and import mode on, and to set the keys. Other options and scripts stay.
// A script of another hand in the place of ours is an error: take it out first. It
// writes nothing.
func (d *Deployment) Plan(ctx context.Context) (*Plan, error) {
	return d.plan(ctx, func(options map[string]any) error {
		context, _ := options["enable_script_context"].(bool)
		scripts, configuration := copied(options, "customScripts"), copied(options, "configuration")
		for name, script := range d.scripts(context) {
			if other, _ := scripts[name].(string); other != "" && !strings.HasPrefix(other, made) {
				return fmt.Errorf("customdb: the connection has a script %s of another hand; take it out first", name)
			}
			scripts[name] = script
		}
		delete(configuration, oldKeyName)
		for i, key := range *d.keys {
			configuration[[]string{keyName, oldKeyName}[i]] = key
		}
		options["customScripts"], options["configuration"] = scripts, configuration
		options["enabledDatabaseCustomization"], options["import_mode"] = true, true
		return nil
	})
}

// PlanRemove plans to put scripts that do nothing in the place of ours, and to remove
// the keys. The custom database and import mode stay on: Auth0 advises to leave them,
// because users who are not imported yet could otherwise be no users any more.
func (d *Deployment) PlanRemove(ctx context.Context) (*Plan, error) {
	return d.plan(ctx, func(options map[string]any) error {
		context, _ := options["enable_script_context"].(bool)
		scripts, configuration := copied(options, "customScripts"), copied(options, "configuration")
		for name, script := range scripts {
			if text, _ := script.(string); strings.HasPrefix(text, made) {
				scripts[name] = nothing(name, context)
			}
		}
		delete(configuration, keyName)
		delete(configuration, oldKeyName)
		options["customScripts"], options["configuration"] = scripts, configuration
		return nil
	})
}

func copied(options map[string]any, name string) map[string]any {
	m, _ := options[name].(map[string]any)
	all := make(map[string]any, len(m))
	maps.Copy(all, m)
	return all
}

func (d *Deployment) plan(ctx context.Context, edit func(options map[string]any) error) (*Plan, error) {
	c, err := d.read(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{connectionID: c.ID, before: c.Options, after: maps.Clone(c.Options)}
	if p.after == nil {
		p.after = make(map[string]any)
	}
	if err := edit(p.after); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(p.after)) {
		old, _ := p.before[name].(map[string]any)
		now, nested := p.after[name].(map[string]any)
		switch {
		case same(p.before[name], p.after[name]):
		case nested:
			p.changes = append(p.changes, nestedChanges(name, old, now)...)
		default:
			p.changes = append(p.changes, fmt.Sprintf("%s: %v", name, p.after[name]))
		}
	}
	return p, nil
}

func nestedChanges(name string, old, now map[string]any) (changes []string) {
	all := maps.Clone(now)
	maps.Copy(all, old)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		_, was := old[key]
		_, is := now[key]
		switch {
		case was && !is:
			changes = append(changes, name+"."+key+": removed")
		case !was:
			changes = append(changes, name+"."+key+": added")
		case !same(old[key], now[key]):
			changes = append(changes, name+"."+key+": changed")
		}
	}
	return changes
}

// same compares as JSON does.
func same(a, b any) bool {
	rawA, errA := json.Marshal(a)
	rawB, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(rawA) == string(rawB)
}

func (d *Deployment) read(ctx context.Context) (*resource.Connection, error) {
	all, err := d.target.DatabaseConnections(ctx)
	if err != nil {
		return nil, fmt.Errorf("customdb: read the connection: %w", err)
	}
	i := slices.IndexFunc(all, func(c resource.Connection) bool { return c.Name == d.connection })
	if i < 0 {
		return nil, fmt.Errorf("customdb: the tenant has no database connection %s: %w", strconv.Quote(d.connection), resource.ErrNotFound)
	}
	return &all[i], nil
}

// Apply reads the options again, writes them whole, as Auth0's PATCH needs, and reads
// them once more. It never sends the clients of the connection. A connection that has
// changed since the plan is [ErrDrift], and nothing is written.
func (d *Deployment) Apply(ctx context.Context, p *Plan) error {
	if p == nil || p.after == nil {
		return errors.New("customdb: plan must come from Plan or PlanRemove")
	}
	c, err := d.read(ctx)
	if err != nil {
		return err
	}
	if c.ID != p.connectionID || !same(c.Options, p.before) {
		return ErrDrift
	}
	if p.Empty() {
		return nil
	}
	if err := d.target.SetConnectionOptions(ctx, c.ID, p.after); err != nil {
		return fmt.Errorf("customdb: write the options: %w", err)
	}
	if c, err = d.read(ctx); err != nil {
		return err
	}
	for name, want := range p.after { // Auth0 shows the values of the configuration encrypted
		if name == "configuration" && reflect.DeepEqual(slices.Sorted(maps.Keys(copied(c.Options, name))), slices.Sorted(maps.Keys(copied(p.after, name)))) {
			continue
		}
		if !same(c.Options[name], want) {
			return fmt.Errorf("customdb: Auth0 took the options and does not have %s as it was written", name)
		}
	}
	return nil
}

//go:embed script.js
var template string

// scripts are those of the connection, in the signature that its options ask for:
// enable_script_context adds an argument, and cannot be switched off again.
func (d *Deployment) scripts(context bool) map[string]string {
	all := map[string]string{
		login: d.script(login, "login", "identifier, password", `identifier, password, ip`, context, `
    if (answer.user) return callback(null, answer.user);
    if (answer.error === 'credentials') return callback(new WrongUsernameOrPasswordError(identifier));
    unavailable();`),
		getUser: d.script(getUser, "getByEmail", "identifier", `identifier`, context, `
    if (answer.error) return unavailable();
    callback(null, answer.user || undefined);`),
	}
	if d.cfg.ChangePassword {
		all[changePassword] = d.script(changePassword, "changePassword", "identifier, password", `identifier, password`, context, `
    if (answer.error) return unavailable();
    callback(null, true);`)
	}
	return all
}

func (d *Deployment) script(name, function, parameters, fields string, context bool, result string) string {
	if context {
		parameters += ", context"
	}
	ip := "undefined"
	if context {
		ip = "context && context.request && context.request.ip"
	}
	fields = strings.Replace(fields, ", ip", ", ip: "+ip, 1)
	return strings.NewReplacer("{{NAME}}", name, "{{FUNCTION}}", function, "{{PARAMETERS}}", parameters, "{{FIELDS}}", fields, "{{URL}}", *d.url,
		"{{TIMEOUT}}", strconv.FormatInt(d.cfg.Timeout.Milliseconds(), 10), "{{RESULT}}", strings.TrimSpace(result)).Replace(template)
}

// nothing is a script that knows nobody.
func nothing(name string, context bool) string {
	parameters := map[string]string{login: "identifier, password", getUser: "identifier", changePassword: "identifier, password"}[name]
	if context {
		parameters += ", context"
	}
	result := "callback(null);"
	if name == login {
		result = "callback(new WrongUsernameOrPasswordError(identifier));"
	}
	return made + ": it knows nobody any more.\nfunction " + strings.ReplaceAll(name, "_", "") + "(" + parameters + ", callback) {\n  " + result + "\n}\n"
}
