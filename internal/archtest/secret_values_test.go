package archtest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auth0logs"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/customdb"
	"github.com/auth0kit/auth0kit/migration/passhash"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// A hiding is a type that hides something: which of its fields may be seen, and
// whether package encoding/json shows it all, because somebody stores or sends it.
type hiding struct {
	zero   any
	shows  []string
	stored bool
}

// hidings has every type with a method Format for its values.
var hidings = []hiding{
	{zero: oauth.Token{}, stored: true},
	{zero: oauth.PasswordLogin{}, stored: true},
	{zero: oauth.NewAuthenticator{}, shows: []string{"Types"}, stored: true},
	{zero: oauth.Association{}, shows: []string{"Type"}, stored: true},
	{zero: oauth.Challenge{}, shows: []string{"Type"}, stored: true},
	{zero: oauth.CIBA{}, stored: true},
	{zero: actions.Event{}, shows: []string{"ID", "Trigger", "User.ID", "Client.ID", "Transaction.Protocol"}, stored: true},
	{zero: actions.User{}, shows: []string{"ID"}, stored: true},
	{zero: actions.Request{}, shows: []string{"Country"}, stored: true},
	{zero: actions.Result{}, shows: []string{"Denied"}, stored: true},
	{zero: actions.Diff{}, shows: []string{"EventID", "UserID", "Trigger", "Changes"}, stored: true},
	{zero: actions.Recorded{}, shows: []string{"Event.ID", "Event.Trigger", "Event.User.ID", "Event.Client.ID", "Event.Transaction.Protocol", "Result.Denied"}, stored: true},
	{zero: auditlog.Seal{}, shows: []string{"Name"}},
	{zero: auditlog.Target{}, shows: []string{"Encoding"}, stored: true},
	{zero: auditlog.Stream{}, shows: []string{"ID", "Kind"}, stored: true},
	{zero: auth0logs.Config{}},
	{zero: guardian.Challenge{}, stored: true},
	{zero: guardian.Association{}},
	{zero: guardian.TOTPKey{}},
	{zero: guardian.Credential{}, stored: true},
	{zero: guardian.AuthAPI{}, shows: []string{"Domain", "ClientID"}},
	{zero: guardian.Tokens{}, stored: true},
	{zero: guardian.Request{}, shows: []string{"Factor"}},
	{zero: guardian.Verification{}, shows: []string{"Factor"}},
	{zero: guardian.Config{}},
	{zero: session.Config{}},
	{zero: session.Login{}},
	{zero: login.Application{}, shows: []string{"Domain", "ClientID", "BaseURL"}},
	{zero: login.Identity{}, shows: []string{"UserID", "OrgID"}},
	{zero: session.Token("")},
	{zero: tenancy.GuardConfig{}, shows: []string{"PublicURL"}},
	{zero: tenancy.Call{}},
	{zero: delegation.Change{}, shows: []string{"Kind", "UserID", "Reason"}},
	{zero: delegation.Declared{}, shows: []string{"From"}, stored: true},
	{zero: delegation.Plan{}, shows: []string{"OrgID", "From", "State"}},
	{zero: delegation.Applied{}, shows: []string{"Plan.OrgID"}},
	{zero: delegation.Review{}, shows: []string{"OrgID"}, stored: true},
	{zero: delegation.Administrator{}, shows: []string{"UserID", "InvitationID", "How", "Why"}, stored: true},
	{zero: management.Config{}, shows: []string{"Domain", "ClientID"}},
	{zero: resource.NewUser{}, shows: []string{"User.Connection"}, stored: true},
	{zero: resource.UserPatch{}, stored: true},
	{zero: resource.NewAuthenticationMethod{}, shows: []string{"Type"}, stored: true},
	{zero: resource.EnrollmentTicket{}, stored: true},
	{zero: resource.Action{}, shows: []string{"ID", "Name", "Status"}, stored: true},
	{zero: resource.Invitation{}, shows: []string{"ID"}, stored: true},
	{zero: resource.Job{}, shows: []string{"ID", "Status"}, stored: true},
	{zero: migration.Credentials{}},
	{zero: customdb.Plan{}, shows: []string{"changes"}},
	{zero: migration.Run{}, shows: []string{"Name", "Source", "Connection"}},
	{zero: resource.Connection{}, shows: []string{"ID", "Name", "Strategy"}, stored: true},
	{zero: migration.Record{}, shows: []string{"Key"}, stored: true},
	{zero: passhash.Stored{}, stored: true},
	{zero: passhash.Import{}, shows: []string{"Field"}, stored: true},
	{zero: risk.Config{}},
	{zero: riskhttp.Login{}, shows: []string{"UserID"}},
	{zero: risk.Login{}, shows: []string{"Attempt.UserID"}, stored: true},
	{zero: risk.Decision{}, shows: []string{"ID", "Login.Attempt.UserID", "Action"}, stored: true},
}

// A filler writes into every text below a value the way to it, so that one that
// is printed says which it is.
type filler struct{ marks []string }

func (f *filler) mark(path string) string {
	m := "mark:" + path + ":"
	f.marks = append(f.marks, m)
	return m
}

func (f *filler) fill(v reflect.Value, path string) {
	if !v.CanSet() { // An unexported field.
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	own := strings.HasPrefix(v.Type().PkgPath(), Module)
	switch v.Kind() {
	case reflect.String:
		v.SetString(f.mark(path))
	case reflect.Struct:
		for i := range v.NumField() {
			if own {
				f.fill(v.Field(i), strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."))
			}
		}
	case reflect.Pointer:
		if e := v.Type().Elem(); e.Kind() != reflect.Struct || strings.HasPrefix(e.PkgPath(), Module) {
			v.Set(reflect.New(e))
			f.fill(v.Elem(), path)
		}
	case reflect.Slice:
		switch {
		case v.Type() == reflect.TypeFor[json.RawMessage]():
			v.SetBytes([]byte(`"` + f.mark(path) + `"`))
		case v.Type().Elem().Kind() == reflect.Uint8:
			v.SetBytes([]byte(f.mark(path)))
		default:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			f.fill(v.Index(0), path)
		}
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		f.fill(value, path)
		v.Set(reflect.MakeMap(v.Type()))
		key := reflect.New(v.Type().Key()).Elem()
		f.fill(key, path)
		v.SetMapIndex(key, value)
	case reflect.Interface:
		if v.Type().NumMethod() == 0 {
			v.Set(reflect.ValueOf(f.mark(path)))
		} else if key := reflect.ValueOf(ed25519.PrivateKey(f.mark(path))); key.Type().Implements(v.Type()) {
			v.Set(key)
		}
	}
}

// filled returns a value of h's type and what of it must not and must be seen.
func (h hiding) filled() (v any, secrets, shown []string) {
	var f filler
	p := reflect.New(reflect.TypeOf(h.zero))
	f.fill(p.Elem(), "")
	for _, m := range f.marks {
		if slices.Contains(h.shows, strings.Trim(strings.TrimPrefix(m, "mark:"), ":")) {
			shown = append(shown, m)
		} else {
			secrets = append(secrets, m)
		}
	}
	return p.Elem().Interface(), secrets, shown
}

// finds returns the first of marks that is in text, in one of the notations of fmt
// and encoding/json.
func finds(text string, marks []string) string {
	for _, m := range marks {
		hexed := hex.EncodeToString([]byte(m))
		for _, form := range []string{
			m, hexed, strings.ToUpper(hexed), fmt.Sprintf("% x", m), fmt.Sprintf("%# x", m), strings.Trim(fmt.Sprint([]byte(m)), "[]"),
			strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(m)), "[]byte{"), "}"),
			base64.StdEncoding.EncodeToString([]byte(m))[:len(m)],
		} {
			if strings.Contains(text, form) {
				return m
			}
		}
	}
	return ""
}

// writings returns v as every verb of fmt writes it, with every flag. vet keeps %p
// and %w, for which fmt asks no method, from values and from what is no error.
func writings(v any) map[string]string {
	all := map[string]string{"Sprint": fmt.Sprint(v), "Sprintln": fmt.Sprintln(v), "Errorf": fmt.Errorf("x: %v", v).Error()}
	for _, flag := range []string{"", "+", "#", "-", " ", "0", "+#", "# ", "9.2"} {
		for _, verb := range "abcdefghijklmnoqrstuvxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
			all["%"+flag+string(verb)] = fmt.Sprintf("%"+flag+string(verb), v)
		}
	}
	unused := strings.Clone("x") // No constant: vet would refuse the call.
	all["no verb"] = fmt.Sprintf(unused, v)
	return all
}

func texts(v any) string {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, nil))
	log.Info("", "x", v)
	log.With("x", v).WithGroup("g").Info("", slog.Group("h", "x", v))
	return b.String()
}

func jsons(v any) string {
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, nil))
	log.Info("", "x", v)
	log.With("x", v).WithGroup("g").Info("", slog.Group("h", "x", v))
	return b.String()
}

// around returns values that contain v.
func around(v any) map[string]any {
	t := reflect.TypeOf(v)
	list := reflect.MakeSlice(reflect.SliceOf(t), 1, 1)
	list.Index(0).Set(reflect.ValueOf(v))
	byName := reflect.MakeMap(reflect.MapOf(reflect.TypeFor[string](), t))
	byName.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf(v))
	pair := reflect.New(reflect.StructOf([]reflect.StructField{
		{Name: "N", Type: reflect.TypeFor[int]()}, {Name: "Field", Type: t}, {Name: "List", Type: list.Type()},
	}))
	pair.Elem().Field(1).Set(reflect.ValueOf(v))
	pair.Elem().Field(2).Set(list)
	return map[string]any{
		"slice": list.Interface(), "map": byName.Interface(), "struct": pair.Elem().Interface(), "pointer to struct": pair.Interface(),
		"any": []any{v}, "any field": struct{ X any }{v},
	}
}

func pointer(v any) any {
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	return p.Interface()
}

// prints returns the ways in which v shows one of marks.
func prints(v any, marks []string, withJSON bool) (ways []string) {
	all := writings(v)
	all["TextHandler"] = texts(v)
	if withJSON {
		all["JSONHandler"] = jsons(v)
	}
	for way, text := range all {
		if m := finds(text, marks); m != "" {
			ways = append(ways, way+" shows "+m)
		}
	}
	return ways
}

// A value of every type that hides something is printed and logged in every way
// there is, by itself and inside of others.
func TestHiddenValues(t *testing.T) {
	t.Parallel()
	for _, h := range hidings {
		t.Run(fmt.Sprintf("%T", h.zero), func(t *testing.T) {
			t.Parallel()
			v, secrets, shown := h.filled()
			require.NotEmpty(t, secrets)
			require.Len(t, shown, len(h.shows), "a field of shows is not there")
			for what, v := range map[string]any{"value": v, "pointer": pointer(v)} {
				assert.Empty(t, prints(v, secrets, true), what)
				for _, m := range shown {
					for how, text := range map[string]string{"fmt": fmt.Sprint(v), "TextHandler": texts(v), "JSONHandler": jsons(v)} {
						assert.Contains(t, text, m, "%s by %s", what, how)
					}
				}
			}
			for what, v := range around(v) {
				assert.Empty(t, prints(v, secrets, !h.stored), what)
			}
			if h.stored {
				text, err := json.Marshal(v)
				require.NoError(t, err)
				back := reflect.New(reflect.TypeOf(v))
				require.NoError(t, json.Unmarshal(text, back.Interface()))
				again, err := json.Marshal(back.Elem().Interface()) // unexported fields are not stored
				require.NoError(t, err)
				assert.Equal(t, string(text), string(again), "encoding/json changes it")
			}
		})
	}
}
