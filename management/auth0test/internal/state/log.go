package state

import (
	"fmt"
	"maps"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// maxLogEntries bounds the tenant log; the oldest entries go first, as they do
// at the end of Auth0's retention.
const maxLogEntries = 100_000

// LogFields is what an entry of the tenant log says beside its type and time.
type LogFields struct {
	Description string

	ClientID, ClientName               string
	Connection, ConnectionID, Strategy string
	UserID, UserName                   string
	OrgID, OrgName                     string
	IP, UserAgent, Hostname            string
	Audience, Scope                    string

	Details map[string]any
}

// LogEntry is one entry of the tenant log.
type LogEntry struct {
	Seq  uint64
	At   time.Time
	Code string                                // "s", "fp", …: see Auth0's page of log event type codes.
	API  interface{ Details() map[string]any } // Of an operation of the Management API: what it did.
	LogFields

	Past   map[string]any // Of a seed: the whole document,
	PastID string         // and its id.
}

// TenantLog holds the entries, oldest first; their ids ascend.
type TenantLog struct {
	Entries []*LogEntry
	Seq     uint64
	keep    int
	Written func() // Hears of every entry, under the mutex. Nil: nobody does.
}

func (l *TenantLog) start() { l.keep = maxLogEntries }

// Log writes an entry. The caller holds the mutex.
func (t *Tenant) Log(code string, f LogFields) *LogEntry {
	l := &t.Auth.Logs
	at := t.Now()
	if n := len(l.Entries); n > 0 && at.Before(l.Entries[n-1].At) {
		at = l.Entries[n-1].At // Work that was due earlier is logged when it is done.
	}
	l.Seq++
	e := &LogEntry{Seq: l.Seq, At: at, Code: code, LogFields: f}
	if len(l.Entries) >= l.keep {
		l.Entries = append(l.Entries[:0:0], l.Entries[l.keep/10:]...)
	}
	l.Entries = append(l.Entries, e)
	if l.Written != nil {
		l.Written()
	}
	return e
}

// ID is 900, the time in UTC to the millisecond, and 36 more digits, so that ids
// ascend with time.
func (e *LogEntry) ID() string {
	if e.PastID != "" {
		return e.PastID
	}
	return fmt.Sprintf("900%s%03d%017d%019d", e.At.UTC().Format("20060102150405"),
		e.At.Nanosecond()/1e6, 0, 1223372036854775807+e.Seq)
}

// Doc is the entry as GET /api/v2/logs shows it.
func (e *LogEntry) Doc() map[string]any {
	if e.Past != nil {
		return maps.Clone(e.Past)
	}
	id := e.ID()
	d := map[string]any{
		"_id": id, "log_id": id, "date": store.Stamp(e.At), "type": e.Code,
		"description": e.Description,
		"connection":  store.OrNull(e.Connection), "connection_id": e.ConnectionID,
		"organization_id": store.OrNull(e.OrgID), "organization_name": store.OrNull(e.OrgName),
		"client_id": e.ClientID, "client_name": e.ClientName,
		"ip": e.IP, "hostname": store.OrNull(e.Hostname), "details": nil,
		"user_id": e.UserID, "user_name": e.UserName,
		"user_agent": e.UserAgent, "audience": store.OrNull(e.Audience),
		"strategy": store.OrNull(e.Strategy), "strategy_type": nil,
		"isMobile": false, "location_info": nil,
	}
	store.Put(d, "scope", e.Scope) // Left out without one since the middle of 2023.
	if e.Strategy == "auth0" {
		d["strategy_type"] = "database"
	}
	if e.Details != nil {
		d["details"] = e.Details
	}
	if e.API != nil {
		d["details"] = e.API.Details()
		d["connection_id"], d["user_id"], d["user_name"] = nil, nil, nil
	}
	return d
}
