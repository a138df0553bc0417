package auth0logs

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Reader reads the tenant log by checkpoint. *management.Client is one.
type Reader interface {
	// Logs yields the entries after the one with this id, in the order of ids, up to
	// the newest; "" begins with the oldest.
	Logs(ctx context.Context, from string) iter.Seq2[resource.LogEntry, error]
}

// Log takes the events. *auditlog.Log is one.
type Log interface {
	Cursor(ctx context.Context, source string) (string, error)
	Ingest(ctx context.Context, b auditlog.Batch) (added int, err error)
}

// Ingester reads one tenant's log. It is safe for concurrent use.
type Ingester struct {
	tenant string
	reader Reader
	log    Log
	cfg    Config

	mu    sync.Mutex
	state state
}

// state is what a process knows from one pass to the next. The clock of this machine may be
// wrong, and Auth0's is not told: it is at least what the newest entry says, and as much
// later as has passed here since that was seen.
type state struct {
	newest time.Time       // Of an entry.
	seen   time.Time       // When it was seen.
	passed time.Time       // When the last pass was made.
	stored map[string]bool // Entries behind the cursor that the log has.
}

// New returns an Ingester for a tenant, such as "shop.eu.auth0.com". It does no I/O.
func New(tenant string, r Reader, log Log, cfg Config) (*Ingester, error) {
	if tenant == "" || len(tenant) > 150 || strings.ContainsAny(tenant, " \t\r\n") {
		return nil, errors.New("auth0logs: tenant must be a domain such as \"shop.eu.auth0.com\"")
	}
	if r == nil || log == nil {
		return nil, errors.New("auth0logs: reader or log is nil")
	}
	for _, a := range cfg.Authorization {
		if len(a) < minAuthorization {
			return nil, errors.New("auth0logs: Config.Authorization needs at least 16 random bytes: there is no other protection")
		}
	}
	if cfg.Retention == 0 {
		cfg.Retention = 24 * time.Hour
	}
	if cfg.Behind == 0 {
		if cfg.Behind = time.Minute; len(cfg.Authorization) > 0 {
			cfg.Behind = 5 * time.Minute
		}
	}
	if cfg.Every == 0 {
		cfg.Every = 30 * time.Second
	}
	if cfg.Retention < 0 || cfg.Behind < 0 || cfg.Every < 0 {
		return nil, errors.New("auth0logs: Config has a negative duration")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Ingester{tenant: tenant, reader: r, log: log, cfg: cfg}, nil
}

// Source is the name of this log in reports: "auth0:" and the tenant.
func (i *Ingester) Source() string { return "auth0:" + i.tenant }
