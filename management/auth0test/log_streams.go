package auth0test

import (
	"fmt"
	"maps"
)

// logStream is where the log is sent; the tenant keeps its settings, and sends
// nothing.
type logStream struct {
	id  string
	doc map[string]any
}

type logStreamStore struct {
	table[logStream]
	made int
}

func logStreamRoutes() []route {
	return []route{
		{method: "GET", pattern: "/log-streams", handle: listLogStreams},
		{method: "POST", pattern: "/log-streams", handle: createLogStream},
		{method: "GET", pattern: "/log-streams/{id}", handle: readLogStream},
		{method: "PATCH", pattern: "/log-streams/{id}", handle: updateLogStream},
		{method: "DELETE", pattern: "/log-streams/{id}", handle: deleteLogStream},
	}
}

const noLogStream = "The log stream does not exist."

func (c *call) logStream() (*logStream, *reply) {
	s := c.t.logStreams.get(c.path("id"))
	if s == nil {
		return nil, notFound(noLogStream, "")
	}
	return s, nil
}

// view hides the one secret that Auth0 hides.
func (s *logStream) view() any {
	m := clone(s.doc)
	m["id"] = s.id
	sink, _ := m["sink"].(map[string]any)
	if _, has := sink["mixpanelServiceAccountPassword"]; has {
		sink = clone(sink)
		sink["mixpanelServiceAccountPassword"] = "********"
		m["sink"] = sink
	}
	return m
}

func listLogStreams(c *call) *reply {
	return ok(render(c.t.logStreams.all(), (*logStream).view))
}

func createLogStream(c *call) *reply {
	st := &c.t.logStreams
	st.made++
	s := &logStream{id: fmt.Sprintf("lst_%016d", st.made), doc: c.body}
	delete(s.doc, "startFrom")
	defaults(s.doc, map[string]any{"status": "active", "isPriority": false, "name": s.id})
	c.completeSink(s)
	s.onlySecurity()
	st.put(s.id, s)
	return ok(s.view())
}

// completeSink names the partners' ends of a stream.
func (c *call) completeSink(s *logStream) {
	sink, _ := s.doc["sink"].(map[string]any)
	tenant := c.t.opts.Domain
	switch s.doc["type"] {
	case "eventbridge":
		sink["awsPartnerEventSource"] = "aws.partner/auth0.com/" + tenant + "-" + newUUID() + "/auth0.logs"
	case "eventgrid":
		sink["azurePartnerTopic"] = tenant + "-" + newUUID()
	}
}

// onlySecurity: a stream with priority carries security events only.
func (s *logStream) onlySecurity() {
	if s.doc["isPriority"] == true {
		s.doc["filters"] = []any{map[string]any{"type": "category", "name": "security"}}
	}
}

func readLogStream(c *call) *reply {
	s, bad := c.logStream()
	if bad != nil {
		return bad
	}
	return ok(s.view())
}

func updateLogStream(c *call) *reply {
	s, bad := c.logStream()
	if bad != nil {
		return bad
	}
	if kind := s.doc["type"]; c.has("sink") && (kind == "eventbridge" || kind == "eventgrid") {
		return badRequest(fmt.Sprintf("Updating the sink of a log stream of type %s is not permitted.", kind), "invalid_body")
	}
	next := clone(s.doc)
	maps.Copy(next, c.body)
	s.doc = next
	s.onlySecurity()
	return ok(s.view())
}

// deleteLogStream is idempotent.
func deleteLogStream(c *call) *reply {
	c.t.logStreams.delete(c.path("id"))
	return noContent()
}
