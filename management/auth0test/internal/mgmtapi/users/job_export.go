package users

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// exportedByDefault are the fields of an export that names none.
var exportedByDefault = []string{
	"user_id", "given_name", "family_name", "nickname", "name", "email", "email_verified", "created_at", "updated_at",
}

// exportField is a path into a user, and the name that it has in the file.
type exportField struct{ path, name string }

// exportUsers starts an export of a connection's users, or of all.
func exportUsers(c *mgmtapi.Call) *mgmtapi.Reply {
	j := &job{kind: "users_export", doc: store.Clone(c.Body), fileKey: store.RandomID(32), extension: "json"}
	connection := ""
	if id := c.Str("connection_id"); id != "" {
		con := c.T.Connections.Get(id)
		if con == nil {
			return mgmtapi.BadRequest("The connection does not exist.", "")
		}
		connection = con.Name
		j.doc["connection"] = con.Name
	}
	if c.Str("format") == "csv" {
		j.extension = "csv"
	}
	limit := int(c.Num("limit"))
	fields := exportFields(c)
	startJob(c.T, j, c.Now, func(time.Time) { j.file = export(c.T, connection, limit, fields, j.extension) })
	return mgmtapi.OK(j.view(c.Now))
}

func exportFields(c *mgmtapi.Call) []exportField {
	var out []exportField
	items, _ := c.Body["fields"].([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		path, _ := m["name"].(string)
		name, _ := m["export_as"].(string)
		if name == "" {
			name = path
		}
		out = append(out, exportField{path, name})
	}
	if out == nil {
		for _, f := range exportedByDefault {
			out = append(out, exportField{f, f})
		}
	}
	return out
}

// export writes the file: gzip over one JSON object a line, or CSV.
func export(t *state.Tenant, connection string, limit int, fields []exportField, format string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	row := jsonRow(json.NewEncoder(z))
	var table *csv.Writer
	if format == "csv" {
		table = csv.NewWriter(z)
		row = csvRow(table, fields)
	}
	written := 0
	for _, u := range t.Users.Rows {
		if u == nil || connection != "" && u.Connection() != connection {
			continue
		}
		if limit > 0 && written == limit {
			break
		}
		row(fields, viewUser(u))
		written++
	}
	if table != nil {
		table.Flush()
	}
	z.Close()
	return b.Bytes()
}

func jsonRow(e *json.Encoder) func([]exportField, map[string]any) {
	return func(fields []exportField, view map[string]any) {
		m := make(map[string]any, len(fields))
		for _, f := range fields {
			if v := lookUp(view, f.path); v != nil {
				m[f.name] = v
			}
		}
		e.Encode(m)
	}
}

func csvRow(w *csv.Writer, fields []exportField) func([]exportField, map[string]any) {
	var head []string
	for _, f := range fields {
		head = append(head, f.name)
	}
	w.Write(head)
	return func(fields []exportField, view map[string]any) {
		var cells []string
		for _, f := range fields {
			cell := ""
			if v := lookUp(view, f.path); v != nil {
				cell = schema.Plain(v)
			}
			cells = append(cells, cell)
		}
		w.Write(cells)
	}
}

// lookUp follows a path such as identities[0].connection.
func lookUp(v any, path string) any {
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}
