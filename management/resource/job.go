package resource

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Import is one users-import job.
type Import struct {
	ConnectionID string // Required; must be a database connection.
	ExternalID   string // Echoed in the job; Auth0 does not use it to tell jobs apart.
	Upsert       bool   // Replaces metadata whole, and matches on the email only.
	Users        []byte // The JSON array. Stay below 500,000 bytes: Auth0 refuses 512,000.
}

// Job is a job of the tenant. Auth0 deletes jobs after 24 hours.
type Job struct {
	ID       string
	Status   string        // "pending", "processing", "completed" or "failed".
	Download string        // The URL of a finished export; a secret.
	Inserted int           // Of an import, as the next two.
	Updated  int           //
	Failed   int           //
	Left     time.Duration // Auth0's estimate; zero when it gives none.
}

// Format hides the download from package fmt.
func (j Job) Format(f fmt.State, _ rune) { secret.Format(f, j) }

// LogValue shows everything but the download.
func (j Job) LogValue() slog.Value {
	return secret.Shown(slog.String("id", j.ID), slog.String("status", j.Status), slog.Int("inserted", j.Inserted),
		slog.Int("updated", j.Updated), slog.Int("failed", j.Failed), slog.Duration("left", j.Left))
}

// Done reports whether the job has ended, successfully or not.
func (j *Job) Done() bool { return j.Status == "completed" || j.Status == "failed" }

// JobError is one reason why an import job refused a user. Auth0's message and
// its echo of the user are dropped: they are personal data.
type JobError struct {
	UserID string // As in the file, without the provider.
	Email  string // As in the file, to find a user without an id. Do not log it.
	Code   string // "DUPLICATED_USER", "PATTERN", …
	Path   string // The property, such as "email"; often empty.
}
