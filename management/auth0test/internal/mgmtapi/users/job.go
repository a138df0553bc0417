package users

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

const (
	jobLife    = 24 * time.Hour // After that Auth0 has forgotten a job.
	jobTimeout = 2 * time.Hour
	jobSlots   = 2 // Import jobs at a time.
	jobLimit   = 512_000
)

// jobStore holds the jobs of the last 24 hours.
type jobStore struct{ store.Table[*job] }

// job is an import, an export or a verification mail.
type job struct {
	id, kind, status   string // status: pending, processing, completed, failed.
	createdAt, doneAt  time.Time
	doc                map[string]any // What is echoed beside type, status, created_at, id.
	errors             []any          // Of an import: users that were refused.
	details            string         // Why it failed as a whole.
	file               []byte         // Of an export.
	fileKey, extension string
}

func jobsOf(t *state.Tenant) *jobStore { return state.Part(t, state.Zero[jobStore]) }

func (j *job) running() bool { return j.status == "pending" || j.status == "processing" }

func (j *job) view(now time.Time) map[string]any {
	m := store.Clone(j.doc)
	m["id"], m["type"], m["status"], m["created_at"] = j.id, j.kind, j.status, store.Stamp(j.createdAt)
	if j.status == "processing" {
		all, left := j.doneAt.Sub(j.createdAt), j.doneAt.Sub(now)
		m["percentage_done"] = int(100 * (all - left) / all)
		m["time_left_seconds"] = int((left + time.Second - 1) / time.Second)
	}
	return m
}

// startJob keeps a job and plans its end, at which finish does the work.
func startJob(t *state.Tenant, j *job, now time.Time, finish func(now time.Time)) {
	j.id, j.status, j.createdAt = store.NewID("job"), "pending", now
	jobsOf(t).Put(j.id, j)
	t.Timeline.At(now.Add(jobLife), func(time.Time) { jobsOf(t).Delete(j.id) })
	j.doneAt = now.Add(max(0, t.Options.JobTime))
	t.Timeline.At(now.Add(max(0, t.Options.JobTime/4)), func(time.Time) { j.status = "processing" })
	if t.Options.JobTime > jobTimeout {
		t.Timeline.At(now.Add(jobTimeout), func(time.Time) { j.fail("The job timed out.") })
		return
	}
	t.Timeline.At(j.doneAt, func(at time.Time) {
		j.status = "completed"
		finish(at)
	})
}

func (j *job) fail(details string) { j.status, j.details = "failed", details }

func JobRoutes() []mgmtapi.Route {
	return jobs.Routes([]mgmtapi.Route{
		{Method: "POST", Pattern: "/jobs/users-imports", Handle: importUsers, Free: true, Form: true},
		{Method: "POST", Pattern: "/jobs/users-exports", Handle: exportUsers},
		{Method: "POST", Pattern: "/jobs/verification-email", Handle: verificationJob},
		{Method: "GET", Pattern: "/jobs/{id}/errors", Handle: mgmtapi.On(jobs.Find, readJobErrors)},
	}...)
}

var jobs = &mgmtapi.Resource[*job]{
	Path: "/jobs", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*job] { return &jobsOf(t).Table }),
	Missing: mgmtapi.Text{Message: "The job does not exist", Code: "inexistent_job"},
	View: func(c *mgmtapi.Call, j *job) map[string]any {
		m := j.view(c.Now)
		if j.file != nil {
			m["location"] = c.Issuer() + "auth0test/exports/" + j.fileKey + "/" + j.id + "." + j.extension + ".gz"
		}
		return m
	},
}

// readJobErrors answers the refused users, 204 when there are none, and the job
// with status_details when it failed as a whole.
func readJobErrors(c *mgmtapi.Call, j *job) *mgmtapi.Reply {
	switch {
	case j.details != "":
		m := j.view(c.Now)
		m["status_details"] = j.details
		return mgmtapi.OK(m)
	case len(j.errors) == 0:
		return mgmtapi.NoContent()
	}
	return mgmtapi.OK(j.errors)
}

// verificationJob mails a verification link.
func verificationJob(c *mgmtapi.Call) *mgmtapi.Reply {
	u, bad := c.UserNamed(c.Str("user_id"))
	if bad != nil {
		return bad
	}
	j := &job{kind: "verification_email", doc: map[string]any{}}
	issuer := c.Issuer()
	startJob(c.T, j, c.Now, func(now time.Time) {
		if u.Email == "" || c.T.Users.Get(u.ID) != u || !c.T.SendVerification(u, issuer, now) {
			j.status = "failed"
		}
	})
	return mgmtapi.Created(j.view(c.Now))
}

// ServeExport downloads the file of an export; the key in the URL is what
// protects it, as at Auth0's storage.
func ServeExport(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	t.Lock()
	j := jobsOf(t).Find(func(j *job) bool { return j.file != nil && j.fileKey == r.PathValue("key") })
	t.Unlock()
	if j == nil {
		http.Error(w, "AccessDenied", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/x-gzip")
	w.Write(j.file)
}

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
	for _, m := range store.Objects(c.Body["fields"]) {
		d := store.Document(m)
		out = append(out, exportField{d.Text("name"), cmp.Or(d.Text("export_as"), d.Text("name"))})
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
	lines, table := json.NewEncoder(z), csv.NewWriter(z)
	if format == "csv" {
		table.Write(rowOf(fields, func(f exportField) string { return f.name }))
	}
	written := 0
	for _, u := range t.Users.All() {
		if connection != "" && u.Connection() != connection || limit > 0 && written == limit {
			continue
		}
		written++
		m := viewUser(u)
		if format == "csv" {
			table.Write(rowOf(fields, func(f exportField) string {
				if v := lookUp(m, f.path); v != nil {
					return schema.Plain(v)
				}
				return ""
			}))
			continue
		}
		out := make(map[string]any, len(fields))
		for _, f := range fields {
			if v := lookUp(m, f.path); v != nil {
				out[f.name] = v
			}
		}
		lines.Encode(out)
	}
	table.Flush()
	z.Close()
	return b.Bytes()
}

func rowOf(fields []exportField, cell func(exportField) string) (row []string) {
	for _, f := range fields {
		row = append(row, cell(f))
	}
	return row
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
