package platform

import (
	"fmt"
	"maps"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// logStream is where the log is sent; the tenant keeps its settings, and sends
// nothing.
type logStream struct {
	id  string
	doc map[string]any
}

type logStreamStore struct {
	store.Table[logStream]
	made int
}

func logStreamsOf(t *state.Tenant) *logStreamStore { return state.Part(t, state.Zero[logStreamStore]) }

func LogStreamRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/log-streams", Handle: listLogStreams},
		{Method: "POST", Pattern: "/log-streams", Handle: createLogStream},
		{Method: "GET", Pattern: "/log-streams/{id}", Handle: readLogStream},
		{Method: "PATCH", Pattern: "/log-streams/{id}", Handle: updateLogStream},
		{Method: "DELETE", Pattern: "/log-streams/{id}", Handle: deleteLogStream},
	}
}

const noLogStream = "The log stream does not exist."

func findStream(c *mgmtapi.Call) (*logStream, *mgmtapi.Reply) {
	s := logStreamsOf(c.T).Get(c.Path("id"))
	if s == nil {
		return nil, mgmtapi.NotFound(noLogStream, "")
	}
	return s, nil
}

// view hides the one secret that Auth0 hides.
func (s *logStream) view() any {
	m := store.Clone(s.doc)
	m["id"] = s.id
	sink, _ := m["sink"].(map[string]any)
	if _, has := sink["mixpanelServiceAccountPassword"]; has {
		sink = store.Clone(sink)
		sink["mixpanelServiceAccountPassword"] = "********"
		m["sink"] = sink
	}
	return m
}

func listLogStreams(c *mgmtapi.Call) *mgmtapi.Reply {
	return mgmtapi.OK(store.Render(logStreamsOf(c.T).All(), (*logStream).view))
}

func createLogStream(c *mgmtapi.Call) *mgmtapi.Reply {
	st := logStreamsOf(c.T)
	st.made++
	s := &logStream{id: fmt.Sprintf("lst_%016d", st.made), doc: c.Body}
	delete(s.doc, "startFrom")
	store.Defaults(s.doc, map[string]any{"status": "active", "isPriority": false, "name": s.id})
	completeSink(c, s)
	s.onlySecurity()
	st.Put(s.id, s)
	return mgmtapi.OK(s.view())
}

// completeSink names the partners' ends of a stream.
func completeSink(c *mgmtapi.Call, s *logStream) {
	sink, _ := s.doc["sink"].(map[string]any)
	tenant := c.T.Options.Domain
	switch s.doc["type"] {
	case "eventbridge":
		sink["awsPartnerEventSource"] = "aws.partner/auth0.com/" + tenant + "-" + store.NewUUID() + "/auth0.logs"
	case "eventgrid":
		sink["azurePartnerTopic"] = tenant + "-" + store.NewUUID()
	}
}

// onlySecurity: a stream with priority carries security events only.
func (s *logStream) onlySecurity() {
	if s.doc["isPriority"] == true {
		s.doc["filters"] = []any{map[string]any{"type": "category", "name": "security"}}
	}
}

func readLogStream(c *mgmtapi.Call) *mgmtapi.Reply {
	s, bad := findStream(c)
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(s.view())
}

func updateLogStream(c *mgmtapi.Call) *mgmtapi.Reply {
	s, bad := findStream(c)
	if bad != nil {
		return bad
	}
	if kind := s.doc["type"]; c.Has("sink") && (kind == "eventbridge" || kind == "eventgrid") {
		return mgmtapi.BadRequest(fmt.Sprintf("Updating the sink of a log stream of type %s is not permitted.", kind), "invalid_body")
	}
	next := store.Clone(s.doc)
	maps.Copy(next, c.Body)
	s.doc = next
	s.onlySecurity()
	return mgmtapi.OK(s.view())
}

// deleteLogStream is idempotent.
func deleteLogStream(c *mgmtapi.Call) *mgmtapi.Reply {
	logStreamsOf(c.T).Delete(c.Path("id"))
	return mgmtapi.NoContent()
}
