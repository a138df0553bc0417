package management

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

const opLogs = "list logs"

// oldestLog is before every log id: "900", a time, and a number.
var oldestLog = "90019700101000000" + strings.Repeat("0", 39)

// Logs yields the entries of the tenant log after the one with the id from, in
// the order of their ids, up to the newest that there is now; "" starts at the
// oldest that Auth0 keeps. Remember the id of the last entry and go on from
// there. Entries can become visible late and out of the order of their times.
//
// This is Auth0's checkpoint method, which has no bound
// (https://auth0.com/docs/deploy-monitor/logs/retrieve-log-events-using-mgmt-api).
func (c *Client) Logs(ctx context.Context, from string) iter.Seq2[resource.LogEntry, error] {
	if from == "" {
		from = oldestLog
	}
	return func(yield func(resource.LogEntry, error) bool) {
		last := ""
		for way := (pages{most: math.MaxInt}); ; { // Auth0 keeps as many logs as there were.
			entries, next, err := c.logPage(ctx, from)
			if err != nil {
				yield(resource.LogEntry{}, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if len(entries) == 0 || next == from {
				return
			}
			newest := entries[len(entries)-1].ID
			if err := way.follow(opLogs, next, newest != last); err != nil {
				yield(resource.LogEntry{}, err)
				return
			}
			from, last = next, newest
		}
	}
}

// logPage reads one page, and from where the next one goes: what the Link
// header says, or the last id. The SDK's types lose most of an entry, and the
// header.
func (c *Client) logPage(ctx context.Context, from string) (entries []resource.LogEntry, next string, err error) {
	next = from
	var raw []json.RawMessage
	page := listOf("", "date", &raw)
	err = c.call(ctx, opLogs, page, func(ctx context.Context) error {
		req, err := c.sdk.NewRequest(ctx, http.MethodGet, c.sdk.URI("logs")+"?"+url.Values{
			"from": {from}, "take": {strconv.Itoa(pageSize)},
		}.Encode(), nil)
		if err != nil {
			return err
		}
		resp, err := c.sdk.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 400 {
			return errStatus
		}
		if err := json.NewDecoder(resp.Body).Decode(page); err != nil {
			return err
		}
		if entries, err = logEntries(raw); err != nil {
			return err
		}
		if len(entries) > 0 {
			next = entries[len(entries)-1].ID
		}
		if linked := nextFrom(resp.Header); linked != "" {
			next = linked
		}
		return nil
	})
	return entries, next, err
}

func logEntries(raw []json.RawMessage) ([]resource.LogEntry, error) {
	entries := make([]resource.LogEntry, len(raw))
	for i, r := range raw {
		var e struct {
			ID    string    `json:"_id"`
			LogID string    `json:"log_id"`
			Type  string    `json:"type"`
			Date  time.Time `json:"date"`
		}
		if err := json.Unmarshal(r, &e); err != nil {
			return nil, err
		}
		if e.LogID != "" {
			e.ID = e.LogID
		}
		if e.ID == "" {
			return nil, errors.New("log entry without an id")
		}
		entries[i] = resource.LogEntry{ID: e.ID, Type: e.Type, Time: e.Date, Raw: r}
	}
	return entries, nil
}

// nextFrom reads the checkpoint from a Link header of RFC 8288 with rel=next.
func nextFrom(header http.Header) string {
	for _, value := range header.Values("Link") {
		for link := range strings.SplitSeq(value, ",") {
			target, params, found := strings.Cut(strings.TrimSpace(link), ">")
			if !found || !strings.HasPrefix(target, "<") || !strings.Contains(strings.ReplaceAll(params, `"`, ""), "rel=next") {
				continue
			}
			if u, err := url.Parse(target[1:]); err == nil {
				return u.Query().Get("from")
			}
		}
	}
	return ""
}
