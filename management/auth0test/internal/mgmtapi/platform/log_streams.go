package platform

import (
	"fmt"

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

var logStreams = streamDoc.Resource(mgmtapi.Resource[mgmtapi.Doc]{
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
