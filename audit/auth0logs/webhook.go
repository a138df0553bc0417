package auth0logs

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/management/resource"
)

const (
	maxBody    = 8 << 20
	maxEntries = 4096 // Of one request.
)

// ServeHTTP takes what a custom webhook stream sends, in its three forms: a JSON
// array, one object, and JSON Lines. It answers 204 when all of it is stored, 401
// without the right Authorization, 400 for what is no JSON, and 500 when the log does
// not take it, so that Auth0 sends it again. An entry without an id is passed over: Run
// reads it later.
func (i *Ingester) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	if !i.authorized(r.Header.Get("Authorization")) {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	entries, err := parseBody(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body is not JSON of log entries, or too large", http.StatusBadRequest)
		return
	}
	now := i.cfg.Now()
	b := auditlog.Batch{Source: i.Source()}
	for _, e := range entries {
		b.Events = append(b.Events, eventOf(i.tenant, e, now))
	}
	if _, err := i.log.Ingest(audit.NewContext(r.Context(), audit.Origin{}), b); err != nil {
		http.Error(w, "not stored; send it again", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// authorized compares with every value in constant time.
func (i *Ingester) authorized(got string) bool {
	have := sha256.Sum256([]byte(got))
	ok := 0
	for _, a := range i.cfg.Authorization {
		want := sha256.Sum256([]byte(a))
		ok |= subtle.ConstantTimeCompare(have[:], want[:])
	}
	return ok == 1
}

// parseBody reads the three forms: each value is an entry or a list of entries.
func parseBody(body io.Reader) ([]resource.LogEntry, error) {
	d := json.NewDecoder(body)
	var entries []resource.LogEntry
	for {
		var value json.RawMessage
		if err := d.Decode(&value); errors.Is(err, io.EOF) {
			return entries, nil
		} else if err != nil {
			return nil, err
		}
		list := []json.RawMessage{value}
		if value[0] == '[' {
			if err := json.Unmarshal(value, &list); err != nil {
				return nil, err
			}
		}
		for _, raw := range list {
			e, err := parseEntry(raw)
			if err != nil {
				return nil, err
			}
			if e.ID != "" {
				entries = append(entries, e)
			}
		}
		if len(entries) > maxEntries {
			return nil, errors.New("too many entries")
		}
	}
}

// parseEntry reads an entry, which streams wrap as {"log_id", "data"}.
func parseEntry(raw json.RawMessage) (resource.LogEntry, error) {
	var outer struct {
		LogID string          `json:"log_id"`
		Data  json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(raw, &outer); err != nil {
		return resource.LogEntry{}, err
	}
	if len(outer.Data) > 0 && outer.Data[0] == '{' {
		raw = outer.Data
	}
	var e struct {
		ID    any `json:"_id"`
		LogID any `json:"log_id"`
		Type  any `json:"type"`
		Date  any `json:"date"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return resource.LogEntry{}, err
	}
	out := resource.LogEntry{ID: outer.LogID, Raw: raw}
	for _, id := range []any{e.LogID, e.ID} {
		if s, ok := id.(string); ok && out.ID == "" {
			out.ID = s
		}
	}
	out.Type, _ = e.Type.(string)
	if date, ok := e.Date.(string); ok {
		out.Time, _ = time.Parse(time.RFC3339Nano, date) // else the id has it
	}
	return out, nil
}
