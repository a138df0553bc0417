package auth0logs

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

const minAuthorization = 16 // Bytes.

// Config holds an Ingester's optional settings. The zero value uses the defaults.
type Config struct {
	// Authorization has the values that the stream's Authorization header may have;
	// several while one is replaced. Without one every request is refused.
	Authorization []string
	// Retention is for how long the tenant's plan keeps entries: 1 day (Starter), 5 or
	// 10 days, 30 days (Enterprise). Defaults to 1 day.
	Retention time.Duration
	// Behind is by how much Run stays behind, so that entries that become visible late,
	// and those that the stream brings, are there. Defaults to 1 minute, and to 5
	// minutes with a stream.
	Behind time.Duration
	// Every is how often Run reads. Defaults to 30 seconds. Auth0 allows 100 requests a
	// minute to read logs, with 100 entries each.
	Every time.Duration
	// Now defaults to time.Now.
	Now func() time.Time
}

// Format hides the authorization from package fmt.
func (c Config) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue shows the durations only.
func (c Config) LogValue() slog.Value {
	return secret.Shown(slog.Duration("retention", c.Retention), slog.Duration("behind", c.Behind), slog.Duration("every", c.Every))
}
