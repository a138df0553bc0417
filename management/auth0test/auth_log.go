package auth0test

import (
	"fmt"
	"maps"
	"time"
)

// maxLogEntries bounds the tenant log; the oldest entries go first, as they do
// at the end of Auth0's retention.
const maxLogEntries = 100_000

// logFields is what an entry of the tenant log says beside its type and time.
type logFields struct {
	Description string

	ClientID, ClientName               string
	Connection, ConnectionID, Strategy string
	UserID, UserName                   string
	OrgID, OrgName                     string
	IP, UserAgent, Hostname            string
	Audience, Scope                    string

	Details map[string]any
}

// logEntry is one entry of the tenant log.
type logEntry struct {
	seq  uint64
	at   time.Time
	code string // "s", "fp", …: see Auth0's page of log event type codes.
	api  *apiRecord
	logFields

	past   map[string]any // Of a seed: the whole document,
	pastID string         // and its id.
}

// tenantLog holds the entries, oldest first; their ids ascend.
type tenantLog struct {
	entries []*logEntry
	seq     uint64
	keep    int
}

func (l *tenantLog) start() { l.keep = maxLogEntries }

// log writes an entry. The caller holds the mutex.
func (t *Tenant) log(code string, f logFields) *logEntry {
	l := &t.authState.logs
	at := t.now()
	if n := len(l.entries); n > 0 && at.Before(l.entries[n-1].at) {
		at = l.entries[n-1].at // Work that was due earlier is logged when it is done.
	}
	l.seq++
	e := &logEntry{seq: l.seq, at: at, code: code, logFields: f}
	if len(l.entries) >= l.keep {
		l.entries = append(l.entries[:0:0], l.entries[l.keep/10:]...)
	}
	l.entries = append(l.entries, e)
	return e
}

// id is 900, the time in UTC to the millisecond, and 36 more digits, so that ids
// ascend with time.
func (e *logEntry) id() string {
	if e.pastID != "" {
		return e.pastID
	}
	return fmt.Sprintf("900%s%03d%017d%019d", e.at.UTC().Format("20060102150405"),
		e.at.Nanosecond()/1e6, 0, 1223372036854775807+e.seq)
}

// doc is the entry as GET /api/v2/logs shows it.
func (e *logEntry) doc() map[string]any {
	if e.past != nil {
		return maps.Clone(e.past)
	}
	id := e.id()
	d := map[string]any{
		"_id": id, "log_id": id, "date": stamp(e.at), "type": e.code,
		"description": e.Description,
		"connection":  orNull(e.Connection), "connection_id": e.ConnectionID,
		"organization_id": orNull(e.OrgID), "organization_name": orNull(e.OrgName),
		"client_id": e.ClientID, "client_name": e.ClientName,
		"ip": e.IP, "hostname": orNull(e.Hostname), "details": nil,
		"user_id": e.UserID, "user_name": e.UserName,
		"user_agent": e.UserAgent, "audience": orNull(e.Audience),
		"strategy": orNull(e.Strategy), "strategy_type": nil,
		"isMobile": false, "location_info": nil,
	}
	put(d, "scope", e.Scope) // Left out without one since the middle of 2023.
	if e.Strategy == "auth0" {
		d["strategy_type"] = "database"
	}
	if e.Details != nil {
		d["details"] = e.Details
	}
	if e.api != nil {
		d["details"] = e.api.details()
		d["connection_id"], d["user_id"], d["user_name"] = nil, nil, nil
	}
	return d
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
