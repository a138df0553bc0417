package management

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// formParts reads a whole form; one without its end is an error.
func formParts(r *http.Request) ([]string, error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	var parts []string
	for form := multipart.NewReader(r.Body, params["boundary"]); ; {
		part, err := form.NextPart()
		if err == io.EOF { // Not a wrapped one: that is a form without its end.
			return parts, nil
		}
		if err != nil {
			return nil, err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part.FormName()+"="+string(value)+part.FileName())
	}
}

func TestImportUsers(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var parts []string
	s.handle("POST jobs/users-imports", func(w http.ResponseWriter, r *http.Request) {
		var err error
		if parts, err = formParts(r); err != nil {
			t.Errorf("the form is damaged: %v", err)
		}
		reply(w, 202, map[string]any{"type": "users_import", "status": "pending", "id": "job_1"})
	})
	c := s.client()
	// Numbers in the file stay as they are: it is never decoded.
	job, err := c.ImportUsers(t.Context(), resource.Import{ConnectionID: "con_1", ExternalID: "run-1", Upsert: true, Users: []byte(`[{"n":12345678901234567890}]`)})
	if err != nil || job.ID != "job_1" || job.Status != "pending" || job.Done() {
		t.Errorf("%+v, %v", job, err)
	}
	want := []string{"connection_id=con_1", "upsert=true", "external_id=run-1", "send_completion_email=false", `users=[{"n":12345678901234567890}]users.json`}
	if !slices.Equal(parts, want) {
		t.Errorf("parts %q", parts)
	}
	before := len(s.asked())
	for _, bad := range []resource.Import{{Users: []byte("[]")}, {ConnectionID: "con_1"}, {ConnectionID: "con_1", Users: make([]byte, 512000)}} {
		if _, err := c.ImportUsers(t.Context(), bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("err = %v", err)
		}
	}
	if len(s.asked()) != before {
		t.Error("a bad import was sent")
	}
}

func TestJobs(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("GET jobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]any{"id": "job_1", "status": "completed", "time_left_seconds": 3,
			"summary": map[string]any{"failed": 1, "updated": 2, "inserted": 3, "total": 6}})
	})
	s.handle("GET jobs/{id}/errors", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "job_2" {
			w.WriteHeader(204)
			return
		}
		if r.PathValue("id") == "job_3" {
			reply(w, 200, map[string]any{"id": "job_3", "status": "failed", "status_details": "timed out"})
			return
		}
		reply(w, 200, []any{map[string]any{
			"user": map[string]any{"user_id": "7", "email": "ada@example.com"},
			"errors": []any{
				map[string]any{"code": "DUPLICATED_USER", "message": "The user already exist ada@example.com"},
				map[string]any{"code": "PATTERN", "path": "email"},
			},
		}})
	})
	c := s.client()
	job, err := c.Job(t.Context(), "job_1")
	if err != nil || *job != (resource.Job{ID: "job_1", Status: "completed", Inserted: 3, Updated: 2, Failed: 1, Left: 3 * time.Second}) {
		t.Errorf("%+v, %v", job, err)
	}
	refusals, err := c.JobErrors(t.Context(), "job_1")
	if err != nil || !slices.Equal(refusals, []resource.JobError{
		{UserID: "7", Email: "ada@example.com", Code: "DUPLICATED_USER"}, {UserID: "7", Email: "ada@example.com", Code: "PATTERN", Path: "email"},
	}) {
		t.Errorf("%+v, %v", refusals, err)
	}
	for _, id := range []string{"job_2", "job_3"} { // 204, and a job that failed as a whole
		if refusals, err = c.JobErrors(t.Context(), id); err != nil || len(refusals) != 0 {
			t.Errorf("%s: %+v, %v", id, refusals, err)
		}
	}
}

// export is a tenant with an export job whose file lies on another host.
type export struct {
	asked  map[string]any // What the job was started with.
	seen   http.Header    // What the storage provider was sent.
	client *Client
}

func newExport(t *testing.T, file []byte) *export {
	s, e := newScript(t), &export{}
	polls := 0
	s.handle("POST jobs/users-exports", func(w http.ResponseWriter, r *http.Request) {
		e.asked = bodyOf(t, r)
		reply(w, 200, map[string]any{"id": "job_1", "status": "pending"})
	})
	s.handle("GET jobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		if polls++; polls < 3 {
			reply(w, 200, map[string]any{"id": "job_1", "status": "processing"})
			return
		}
		reply(w, 200, map[string]any{"id": "job_1", "status": "completed", "location": "https://storage.example/file?signature=secret"})
	})
	tenant := serve(s.mux)
	e.client = s.client(func(cfg *Config) {
		cfg.HTTPClient = &http.Client{Timeout: time.Minute, Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Host != "storage.example" {
				return tenant(req)
			}
			e.seen = req.Header.Clone()
			return answerOf(req, 200, string(file)), nil
		})}
	})
	return e
}

// ndjson is an export file of n users.
func ndjson(n int) []byte {
	var file bytes.Buffer
	for i := range n {
		fmt.Fprintf(&file, `{"user_id":"auth0|%d","email":"u%d@example.com","app_metadata":{"n":%d}}`+"\n", i, i, i)
	}
	return file.Bytes()
}

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestExportUsers(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{"zipped": zipped(t, ndjson(3000)), "plain": ndjson(3000), "empty": zipped(t, nil)} {
		synctest.Test(t, func(t *testing.T) {
			e := newExport(t, file)
			got := 0
			for u, err := range e.client.ExportUsers(t.Context(), "con_1") {
				if err != nil {
					t.Fatal(err)
				}
				if u.ID != fmt.Sprint("auth0|", got) || u.AppMetadata["n"] != float64(got) {
					t.Fatalf("user %d is %+v", got, u)
				}
				got++
			}
			if got != 3000 && name != "empty" || got > 0 && name == "empty" {
				t.Errorf("%s: %d users", name, got)
			}
			if e.seen == nil || e.seen.Get("Authorization") != "" {
				t.Errorf("%s: the storage provider was sent %v", name, e.seen)
			}
			if e.asked["format"] != "json" || len(e.asked["fields"].([]any)) != len(exportFields) {
				t.Errorf("asked for %v", e.asked)
			}
		})
	}
}

func TestExportUsersFails(t *testing.T) {
	t.Parallel()
	whole := zipped(t, ndjson(20000))
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 0xff
	for name, file := range map[string][]byte{
		"broken off": whole[:len(whole)/2], "damaged": damaged, "not NDJSON": []byte("<html>ada@example.com</html>"),
	} {
		synctest.Test(t, func(t *testing.T) {
			var last error
			for _, err := range newExport(t, file).client.ExportUsers(t.Context(), "con_1", "user_id", "email") {
				last = err
			}
			if e, ok := errors.AsType[*Error](last); !ok || e.Op != "export users" {
				t.Errorf("%s: err = %v", name, last)
			}
			checkSilent(t, last)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		rounds := 0
		for range newExport(t, whole).client.ExportUsers(t.Context(), "con_1") {
			if rounds++; rounds == 5 {
				break
			}
		}
		if rounds != 5 {
			t.Errorf("%d rounds after break", rounds)
		}
	})
}

func TestLogs(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	const total = 250
	id := func(i int) string { return fmt.Sprintf("900202601020304%041d", i) }
	s.handle("GET logs", func(w http.ResponseWriter, r *http.Request) {
		from, entries := r.URL.Query().Get("from"), []any{}
		next := from
		for i := 1; i <= total && len(entries) < 100; i++ {
			if id(i) > from {
				entries = append(entries, map[string]any{"_id": id(i), "log_id": id(i), "type": "s", "date": "2026-01-02T03:04:05.678Z", "ip": "192.0.2.1"})
				next = id(i)
			}
		}
		w.Header().Set("Link", `<https://tenant.eu.auth0.com/api/v2/logs?from=`+next+`&take=100>; rel="next"`)
		reply(w, 200, entries)
	})
	c := s.client()
	var got []resource.LogEntry
	for e, err := range c.Logs(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if len(got) != total || got[0].ID != id(1) || got[0].Type != "s" || got[0].Time.Year() != 2026 || !bytes.Contains(got[0].Raw, []byte("192.0.2.1")) {
		t.Fatalf("%d entries", len(got))
	}
	rest := 0
	for _, err := range c.Logs(t.Context(), id(240)) {
		if err != nil {
			t.Fatal(err)
		}
		rest++
	}
	if rest != 10 {
		t.Errorf("%d entries after 240", rest)
	}
}

func TestNextFrom(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		`<https://x/api/v2/logs?take=2&from=900>; rel="next"`:                           "900",
		`<https://x/api/v2/logs?from=1>; rel="prev", <https://x/logs?from=2>; rel=next`: "2",
		`<https://x/api/v2/logs?from=1>; rel="prev"`:                                    "",
		`https://x/api/v2/logs?from=1; rel="next"`:                                      "",
		``: "",
	} {
		if got := nextFrom(http.Header{"Link": strings.Split(header, "\n")}); got != want {
			t.Errorf("nextFrom(%q) = %q, want %q", header, got, want)
		}
	}
}
