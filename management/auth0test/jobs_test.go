package auth0test_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// importFile starts an import job and waits for it.
func importFile(t *testing.T, tenant *auth0test.Tenant, upsert bool, rows ...map[string]any) (*resource.Job, []resource.JobError) {
	t.Helper()
	file, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	id := startImport(t, tenant, upsert, string(file))
	tenant.Advance(2 * time.Second)
	client := tenant.Management()
	job, err := client.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	failures, err := client.JobErrors(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job, failures
}

// startImport returns the id of the new job.
func startImport(t *testing.T, tenant *auth0test.Tenant, upsert bool, file string) string {
	t.Helper()
	con, err := tenant.Management().Connection(t.Context(), auth0test.DefaultConnection)
	if err != nil {
		t.Fatal(err)
	}
	status, job := upload(t, newAdmin(t, tenant), map[string]string{"connection_id": con.ID, "upsert": fmt.Sprint(upsert), "users": file})
	if status != 202 || job["status"] != "pending" || job["type"] != "users_import" {
		t.Fatalf("got %d %v", status, job)
	}
	return job["id"].(string)
}

func TestImport(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), 10)
	if err != nil {
		t.Fatal(err)
	}
	job, failures := importFile(t, tenant, false,
		map[string]any{"email": "ada@example.com", "user_id": "1", "password_hash": string(hash), "app_metadata": map[string]any{"plan": "pro"}},
		map[string]any{"email": "ADA@example.com", "user_id": "2"},
		map[string]any{"email": "nobody"},
		map[string]any{"email": "bob@example.com", "password_hash": "md5"},
		map[string]any{"email": "bob@example.com", "nick": "b"},
		map[string]any{"email": "bob@example.com", "app_metadata": map[string]any{"user_id": "1"}},
		map[string]any{"user_id": "4"},
		map[string]any{"email": "cleo@example.com", "mfa_factors": []any{}},
	)
	if job.Status != "completed" || job.Inserted != 1 || job.Failed != 7 {
		t.Errorf("got %s, %d inserted, %d failed", job.Status, job.Inserted, job.Failed)
	}
	var codes []string
	for _, f := range failures {
		codes = append(codes, f.Code)
	}
	want := "DUPLICATED_USER FORMAT PATTERN OBJECT_ADDITIONAL_PROPERTIES NOT_PASSED OBJECT_REQUIRED ARRAY_LENGTH_SHORT"
	if got := strings.Join(codes, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	login := func(password string) error {
		_, err := tenant.Login(t.Context(), auth0test.Login{Identifier: "ada@example.com", Password: password})
		return err
	}
	tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	if login("wrong") == nil {
		t.Error("a wrong password logs in")
	}
	for range 2 { // The second time with the tenant's own hash.
		if err := login("correct horse"); err != nil {
			t.Errorf("the imported password does not log in: %v", err)
		}
	}
}

func TestUpsert(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	id := tenant.AddUser(resource.User{Email: "ada@example.com", Username: "ada", AppMetadata: map[string]any{"keep": true}}, "")
	tenant.AddUser(resource.User{Email: "bob@example.com", Username: "bob"}, "")
	_, failures := importFile(t, tenant, false, map[string]any{"email": "ada@example.com"})
	if len(failures) != 1 || failures[0].Code != "DUPLICATED_USER" {
		t.Errorf("without upsert: %v", failures)
	}
	job, failures := importFile(t, tenant, true,
		map[string]any{"email": "ada@example.com", "name": "Ada", "app_metadata": map[string]any{"new": 1}, "blocked": true},
		map[string]any{"email": "cleo@example.com", "username": "bob"},
		map[string]any{"email": "dora@example.com", "user_id": strings.TrimPrefix(id, "auth0|")},
	)
	if job.Updated != 1 || len(failures) != 2 || failures[0].Code != "CONFLICT_USERNAME" || failures[1].Code != "CONFLICT_EMAIL" {
		t.Errorf("with upsert: %d updated, %v", job.Updated, failures)
	}
	u, err := tenant.Management().User(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if u.Name != "Ada" || u.Blocked || len(u.AppMetadata) != 1 || u.AppMetadata["new"] != 1.0 {
		t.Errorf("an upsert overwrites metadata and leaves blocked alone: %+v", u)
	}
}

// upload sends the parts of an import by hand.
func upload(t *testing.T, a *admin, parts map[string]string) (int, map[string]any) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range parts {
		part, err := w.CreateFormField(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	r, err := http.NewRequestWithContext(t.Context(), "POST", "https://"+auth0test.DefaultDomain+"/api/v2/jobs/users-imports", &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", a.bearer)
	r.Header.Set("Content-Type", w.FormDataContentType())
	res, err := a.tenant.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var m map[string]any
	if err := json.NewDecoder(res.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, m
}

func TestImportRefusals(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	social := tenant.AddConnection("google-oauth2", "google-oauth2")
	con, err := tenant.Management().Connection(t.Context(), auth0test.DefaultConnection)
	if err != nil {
		t.Fatal(err)
	}
	a := newAdmin(t, tenant)
	for _, c := range []struct {
		parts   map[string]string
		status  int
		message any
	}{
		{map[string]string{"connection_id": con.ID}, 400, "Must provide 'users' file as multipart part."},
		{map[string]string{"connection_id": con.ID, "users": " "}, 400, "Users file must not be empty."},
		{map[string]string{"users": "[]"}, 400, "Must provide 'connection_id' as multipart part."},
		{map[string]string{"connection_id": "con_0000000000000000", "users": "[]"}, 400, "The connection does not exist."},
		{map[string]string{"connection_id": social, "users": "[]"}, 400, "Connection must be a database connection."},
		{map[string]string{"connection_id": con.ID, "users": strings.Repeat("x", 512_000)}, 413, "Payload content length greater than maximum allowed: 512000"},
		{map[string]string{"connection_id": con.ID, "users": "[]"}, 202, nil},
		{map[string]string{"connection_id": con.ID, "users": "[]"}, 202, nil},
		{map[string]string{"connection_id": con.ID, "users": "[]"}, 429, "There are 2 active import users jobs, please wait until some of them are finished and try again"},
	} {
		if status, body := upload(t, a, c.parts); status != c.status || body["message"] != c.message {
			t.Errorf("got %d %v, want %d %v", status, body["message"], c.status, c.message)
		}
	}
	a.fails(400, "Payload validation error: 'Invalid multipart payload format'.", "POST", "/jobs/users-imports", `{}`)
	tenant.Advance(2 * time.Second)
	if status, body := upload(t, a, map[string]string{"connection_id": con.ID, "users": "[]"}); status != 202 {
		t.Errorf("the slots are not free again: %d %v", status, body)
	}
}

func TestJobLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := auth0test.NewTenant(auth0test.Options{JobTime: time.Minute})
		client := tenant.Management()
		id := startImport(t, tenant, false, `not JSON`)
		status := func() string {
			j, err := client.Job(t.Context(), id)
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(j.Status, " ", j.Left)
		}
		for _, step := range []struct {
			wait time.Duration
			want string
		}{
			{0, "pending 0s"}, {20 * time.Second, "processing 40s"}, {40 * time.Second, "failed 0s"},
			{24 * time.Hour, "auth0: read job: 404 Not Found (inexistent_job)"},
		} {
			time.Sleep(step.wait)
			if got := status(); got != step.want {
				t.Errorf("after %s: got %q, want %q", step.wait, got, step.want)
			}
		}
	})
}

func TestExport(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: -1})
	for i := range 5 {
		tenant.AddUser(resource.User{Email: fmt.Sprintf("u%d@example.com", i), ID: fmt.Sprint(i), AppMetadata: map[string]any{"n": i}}, "")
	}
	client := tenant.Management()
	con, err := client.Connection(t.Context(), auth0test.DefaultConnection)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for u, err := range client.ExportUsers(t.Context(), con.ID, "user_id", "email", "app_metadata") {
		if err != nil {
			t.Fatal(err)
		}
		if u.ID != fmt.Sprint("auth0|", n) || u.Email == "" || u.AppMetadata["n"] != float64(n) {
			t.Errorf("user %d is %+v", n, u)
		}
		n++
	}
	if n != 5 {
		t.Errorf("exported %d users", n)
	}
}

func TestVerificationMail(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: -1})
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "")
	if err := tenant.Management().SendVerificationEmail(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	box := tenant.Outbox()
	if len(box) != 1 || box[0].To != "ada@example.com" || box[0].Kind != "verify_email" || !strings.Contains(box[0].URL, "/u/email-verification?ticket=") {
		t.Errorf("outbox: %+v", box)
	}
}
