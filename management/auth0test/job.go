package auth0test

import (
	"net/http"
	"time"
)

const (
	jobLife    = 24 * time.Hour // After that Auth0 has forgotten a job.
	jobTimeout = 2 * time.Hour
	jobSlots   = 2 // Import jobs at a time.
	jobLimit   = 512_000
)

// jobStore holds the jobs of the last 24 hours.
type jobStore struct{ table[job] }

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

func (j *job) running() bool { return j.status == "pending" || j.status == "processing" }

func (j *job) view(now time.Time) map[string]any {
	m := clone(j.doc)
	m["id"], m["type"], m["status"], m["created_at"] = j.id, j.kind, j.status, stamp(j.createdAt)
	if j.status == "processing" {
		all, left := j.doneAt.Sub(j.createdAt), j.doneAt.Sub(now)
		m["percentage_done"] = int(100 * (all - left) / all)
		m["time_left_seconds"] = int((left + time.Second - 1) / time.Second)
	}
	return m
}

// startJob keeps a job and plans its end, at which finish does the work.
func (t *Tenant) startJob(j *job, now time.Time, finish func(now time.Time)) {
	j.id, j.status, j.createdAt = newID("job"), "pending", now
	t.jobs.put(j.id, j)
	t.timeline.at(now.Add(jobLife), func(time.Time) { t.jobs.delete(j.id) })
	j.doneAt = now.Add(max(0, t.opts.JobTime))
	t.timeline.at(now.Add(max(0, t.opts.JobTime/4)), func(time.Time) { j.status = "processing" })
	if t.opts.JobTime > jobTimeout {
		t.timeline.at(now.Add(jobTimeout), func(time.Time) { j.fail("The job timed out.") })
		return
	}
	t.timeline.at(j.doneAt, func(at time.Time) {
		j.status = "completed"
		finish(at)
	})
}

func (j *job) fail(details string) { j.status, j.details = "failed", details }

func jobRoutes() []route {
	return []route{
		{method: "POST", pattern: "/jobs/users-imports", handle: importUsers, free: true, form: true},
		{method: "POST", pattern: "/jobs/users-exports", handle: exportUsers},
		{method: "POST", pattern: "/jobs/verification-email", handle: verificationJob},
		{method: "GET", pattern: "/jobs/{id}", handle: readJob},
		{method: "GET", pattern: "/jobs/{id}/errors", handle: readJobErrors},
	}
}

func (c *call) job() (*job, *reply) {
	j := c.t.jobs.get(c.path("id"))
	if j == nil {
		return nil, notFound("The job does not exist", "inexistent_job")
	}
	return j, nil
}

func readJob(c *call) *reply {
	j, bad := c.job()
	if bad != nil {
		return bad
	}
	m := j.view(c.now)
	if j.file != nil {
		m["location"] = c.issuer() + "auth0test/exports/" + j.fileKey + "/" + j.id + "." + j.extension + ".gz"
	}
	return ok(m)
}

// readJobErrors answers the refused users, 204 when there are none, and the job
// with status_details when it failed as a whole.
func readJobErrors(c *call) *reply {
	j, bad := c.job()
	switch {
	case bad != nil:
		return bad
	case j.details != "":
		m := j.view(c.now)
		m["status_details"] = j.details
		return ok(m)
	case len(j.errors) == 0:
		return noContent()
	}
	return ok(j.errors)
}

// verificationJob mails a verification link.
func verificationJob(c *call) *reply {
	u := c.t.users.get(c.str("user_id"))
	if u == nil {
		return noSuchUser()
	}
	j := &job{kind: "verification_email", doc: map[string]any{}}
	issuer := c.issuer()
	c.t.startJob(j, c.now, func(now time.Time) {
		if u.email == "" || c.t.users.get(u.id) != u || !c.t.sendVerification(u, issuer, now) {
			j.status = "failed"
		}
	})
	return created(j.view(c.now))
}

// serveExport downloads the file of an export; the key in the URL is what
// protects it, as at Auth0's storage.
func (t *Tenant) serveExport(w http.ResponseWriter, r *http.Request) {
	t.lock()
	j := t.jobs.find(func(j *job) bool { return j.file != nil && j.fileKey == r.PathValue("key") })
	t.mu.Unlock()
	if j == nil {
		http.Error(w, "AccessDenied", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/x-gzip")
	w.Write(j.file)
}
