package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// streamDoc are log streams: those to HTTP get the log, for others the tenant
// only keeps the settings.
var streamDoc = mgmtapi.Document{
	Plain: true, Initial: map[string]any{"status": "active"}, Complete: completeSink,
	NewID: func(c *mgmtapi.Call) string {
		made := state.Part(c.T, state.Zero[streamsMade])
		*made++
		id := fmt.Sprintf("lst_%016d", *made)
		store.Defaults(c.Body, map[string]any{"name": id})
		return id
	},
	Check: func(c *mgmtapi.Call, s *mgmtapi.Doc) *mgmtapi.Reply {
		if s != nil && c.Has("sink") && (s.Doc["type"] == "eventbridge" || s.Doc["type"] == "eventgrid") {
			return mgmtapi.BadRequest(fmt.Sprintf("Updating the sink of a log stream of type %s is not permitted.", s.Doc["type"]), "invalid_body")
		}
		return nil
	},
	Show: func(_ *mgmtapi.Call, _ *mgmtapi.Doc, m map[string]any) { // The one secret that Auth0 hides.
		if sink, _ := m["sink"].(map[string]any); sink["mixpanelServiceAccountPassword"] != nil {
			m["sink"] = store.MergedCopy(sink, map[string]any{"mixpanelServiceAccountPassword": "********"})
		}
	},
}

const streamsPath = "/log-streams"

var logStreams = streamDoc.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path: streamsPath, Missing: mgmtapi.Text{Message: "The log stream does not exist."}, Created: 200,
	Page: mgmtapi.Envelope[*mgmtapi.Doc]{Form: mgmtapi.Whole},
	Told: func(c *mgmtapi.Call, s *mgmtapi.Doc) map[string]any {
		from := c.Str("startFrom")
		delete(s.Doc, "startFrom")
		follow(c.T, s, from)
		return streamDoc.View(c, s)
	},
})

type streamsMade int

func LogStreamRoutes() []mgmtapi.Route { return logStreams.Routes() }

// completeSink names the partners' ends of a stream. Those to HTTP and Datadog
// say whether they have priority, and one that has carries security events only.
func completeSink(c *mgmtapi.Call, doc map[string]any) {
	sink, _ := doc["sink"].(map[string]any)
	tenant := c.T.Options.Domain
	switch doc["type"] {
	case "eventbridge":
		store.Defaults(sink, map[string]any{"awsPartnerEventSource": "aws.partner/auth0.com/" + tenant + "-" + store.NewUUID() + "/auth0.logs"})
	case "eventgrid":
		store.Defaults(sink, map[string]any{"azurePartnerTopic": tenant + "-" + store.NewUUID()})
	case "http", "datadog":
		store.Defaults(doc, map[string]any{"isPriority": false})
	}
	if list, is := doc["filters"].([]any); is && len(list) == 0 {
		delete(doc, "filters")
	}
	if doc["isPriority"] == true {
		doc["filters"] = []any{map[string]any{"type": "category", "name": "security"}}
	}
}

// Delivery to HTTP streams is at least once: what was not answered by 2xx is
// sent again, and what happens while a stream is paused is sent when it goes on
// (Auth0's documentation, Log Streams).
const (
	streamBatch   = 100
	streamTries   = 4 // After which the next entry of the log begins anew,
	streamWait    = time.Second
	streamPatient = 7 * 24 * time.Hour // and the stream is paused when that goes on so long.
	streamTimeout = 10 * time.Second
)

// delivery is how far the log was sent to the streams. The tenant's mutex
// guards it.
type delivery struct {
	to map[string]*sent // By the stream's id.
}

type sent struct {
	seq     uint64 // Of the last entry that the stream took.
	failing time.Time
	busy    bool
}

func deliveryOf(t *state.Tenant) *delivery {
	return state.Part(t, func() *delivery { return &delivery{to: map[string]*sent{}} })
}

// follow sends a stream what happens from now on, or from what a creation says.
func follow(t *state.Tenant, s *mgmtapi.Doc, from string) {
	at := &sent{seq: t.Auth.Logs.Seq}
	if begin, err := time.Parse(time.RFC3339, from); err == nil {
		for _, e := range t.Auth.Logs.Entries {
			if !e.At.Before(begin) {
				at.seq = e.Seq - 1
				break
			}
		}
	}
	deliveryOf(t).to[s.ID] = at
	t.Auth.Logs.Written = func() { deliver(t) }
}

// deliver begins to send what the streams have not got. The caller holds the
// mutex.
func deliver(t *state.Tenant) {
	for id, at := range deliveryOf(t).to {
		switch s := mgmtapi.DocumentsAt(t, streamsPath).Get(id); {
		case s == nil:
			delete(deliveryOf(t).to, id)
		case s.Doc["type"] == "http" && s.Doc["status"] == "active" && !at.busy && at.seq < t.Auth.Logs.Seq:
			at.busy = true
			go at.run(t, s)
		}
	}
}

// run sends batches until the stream has everything or does not take it.
func (at *sent) run(t *state.Tenant, s *mgmtapi.Doc) {
	tries := 0
	for {
		r, last := at.next(t, s)
		if r == nil {
			return
		}
		taken := post(t, r)
		t.Lock()
		if taken {
			at.seq, at.failing, tries = last, time.Time{}, 0
		} else if tries++; !at.again(s, tries, t.Now()) {
			at.busy = false
			t.Unlock()
			return
		}
		t.Unlock()
		if !taken {
			time.Sleep(streamWait << (tries - 1))
		}
	}
}

// again reports whether a batch is sent once more; a stream that has failed for
// too long is paused.
func (at *sent) again(s *mgmtapi.Doc, tries int, now time.Time) bool {
	if at.failing.IsZero() {
		at.failing = now
	}
	if now.Sub(at.failing) >= streamPatient {
		s.Doc = store.MergedCopy(s.Doc, map[string]any{"status": "paused"})
		return false
	}
	return tries < streamTries
}

// next is the request with the next entries, nil when there are none to send now.
func (at *sent) next(t *state.Tenant, s *mgmtapi.Doc) (*http.Request, uint64) {
	t.Lock()
	defer t.Unlock()
	var entries []any
	last := at.seq
	for _, e := range t.Auth.Logs.Entries {
		if e.Seq > at.seq && len(entries) < streamBatch {
			doc := e.Doc()
			entries, last = append(entries, map[string]any{"log_id": doc["log_id"], "data": doc}), e.Seq
		}
	}
	sink := store.Document(s.Doc).Sub("sink")
	r, err := http.NewRequest(http.MethodPost, sink.Text("httpEndpoint"), bytes.NewReader(streamBody(sink.Text("httpContentFormat"), entries)))
	if len(entries) == 0 || s.Doc["status"] != "active" || err != nil || deliveryOf(t).to[s.ID] != at {
		at.busy = false
		return nil, 0
	}
	r.Header.Set("Content-Type", "application/json")
	if kind := sink.Text("httpContentType"); kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if secret := sink.Text("httpAuthorization"); secret != "" {
		r.Header.Set("Authorization", secret)
	}
	custom, _ := sink["httpCustomHeaders"].([]any)
	for _, h := range custom {
		m, _ := h.(map[string]any)
		r.Header.Set(store.Document(m).Text("header"), store.Document(m).Text("value"))
	}
	return r, last
}

// streamBody writes entries as an array, or one a line; JSONOBJECT is a line too.
func streamBody(format string, entries []any) []byte {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	if format == "JSONARRAY" {
		out.Encode(entries)
		return b.Bytes()
	}
	for _, e := range entries {
		out.Encode(e)
	}
	return b.Bytes()
}

func post(t *state.Tenant, r *http.Request) bool {
	ctx, cancel := context.WithTimeout(context.Background(), streamTimeout)
	defer cancel()
	res, err := t.Outgoing().RoundTrip(r.WithContext(ctx))
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode/100 == 2
}
