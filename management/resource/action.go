package resource

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Action is an Auth0 Action.
type Action struct {
	ID      string
	Name    string
	Trigger string // "post-login" unless said otherwise.
	Code    string
	Status  string            // "pending", "building", "built", "failed", …
	Version string            // ID of the deployed version, empty before the first deployment.
	Pending bool              // The code is a draft: the deployed version has other code, secrets or dependencies.
	Secrets map[string]string // Write only: Auth0 returns the names, with empty values.
}

// Format hides the code and the secrets from package fmt.
func (a Action) Format(f fmt.State, _ rune) { secret.Format(f, a) }

// LogValue shows the id, the name and the status only.
func (a Action) LogValue() slog.Value {
	return secret.Shown(slog.String("id", a.ID), slog.String("name", a.Name), slog.String("status", a.Status))
}

// ActionVersion is one deployed or deployable version of an action.
type ActionVersion struct {
	ID        string
	Number    int
	Deployed  bool
	CreatedAt time.Time
}

// Binding puts an action at a place in a trigger's flow.
type Binding struct {
	ActionID string
	Name     string // Shown in the flow.
}

// LogEntry is one entry of the tenant log. Raw is the whole entry and holds
// personal data.
type LogEntry struct {
	ID   string
	Type string // Auth0's code, such as "s" or "fp".
	Time time.Time
	Raw  json.RawMessage
}
