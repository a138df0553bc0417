package tenancy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
)

// news is what an event or a log entry says has changed.
type news struct {
	changed []member // Forget them. An empty id stands for all.
	lost    []member // Something was taken away; among changed too. One of the ids may be empty.
	dead    []string // Users who were deleted or blocked.
	alive   []string // Users who were changed and are not blocked, if the news are the latest.
	roles   []string // Whose permissions have changed.
}

// Observe reads an event of Auth0's event streams or an entry of the tenant's log,
// or a JSON array of them, and forgets what it changes, so that a change takes
// effect at once instead of after RoleTTL. Users who were deleted or blocked are
// revoked in the Cutoff; without a Directory, so are the tokens that a member has
// for an organization that removes them or one of their roles, all tokens for an
// organization that is deleted or removes members whom the log does not name, and
// those of a user who leaves a group. Pass it the body of a
// webhook after you have checked the webhook's authorization, a message of the
// Events API, or an entry of a log stream. Other types are ignored.
//
// It understands user.deleted and user.updated (which every login is: it matters only
// if the user is or was blocked); organization.updated and .deleted,
// organization.member.added, .deleted, .role.assigned and .role.deleted;
// organization.group.role.assigned and .deleted (the whole organization);
// group.member.added and .deleted (the user in every organization; everybody, if
// the member is a connection); group.deleted, group.role.assigned and .deleted
// (everybody); role.*; of the log, sdu, and sapi for the same changes. A stream
// reaches one replica; spread its events to all, or keep RoleTTL short.
//
// An error means that something may not have been taken in; deliver the event
// again.
func (g *Guard) Observe(ctx context.Context, body []byte) error {
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '[' {
		var all []json.RawMessage
		if err := json.Unmarshal(trimmed, &all); err != nil {
			return errNotAnEvent
		}
		var errs []error
		for _, one := range all {
			errs = append(errs, g.Observe(ctx, one))
		}
		return errors.Join(errs...)
	}
	n, err := parseNews(body)
	if err != nil {
		return err
	}
	for _, m := range n.changed {
		g.forget(m)
	}
	for _, id := range n.roles {
		g.InvalidateRole(id)
	}
	g.each(func(g *Guard) {
		for _, id := range n.alive {
			if g.live != nil {
				g.live.alive(id)
			}
		}
	})
	return g.cut(ctx, n)
}

// cut revokes what the news say is over.
func (g *Guard) cut(ctx context.Context, n news) error {
	var errs []error
	g.each(func(g *Guard) {
		c := g.cfg.Cutoff
		if c == nil {
			return
		}
		for _, id := range n.dead {
			errs = append(errs, c.RevokeAccess(ctx, id))
		}
		for _, m := range n.lost {
			if g.live == nil {
				errs = append(errs, c.cut(ctx, cutOf(m)))
			}
		}
	})
	return errors.Join(errs...)
}

var (
	errNotAnEvent = errors.New("tenancy: the event is not JSON of the expected form")
	errIncomplete = errors.New("tenancy: the event does not say whose roles have changed")
)

// event is the part of Auth0's event stream events that says whose roles have
// changed: a CloudEvent as a webhook gets it, or the message of the Events API
// around one. A log entry has its code in Type too, at the top or below Data.
type event struct {
	Type  string
	Event json.RawMessage
	Data  struct {
		logEntry
		Object struct {
			ID           string `json:"id"`
			UserID       string `json:"user_id"`
			Blocked      bool   `json:"blocked"`
			Organization struct {
				ID string `json:"id"`
			} `json:"organization"`
			User struct {
				ID string `json:"user_id"`
			} `json:"user"`
			Role struct {
				ID string `json:"id"`
			} `json:"role"`
			Member struct {
				Type string `json:"member_type"`
				ID   string `json:"id"`
			} `json:"member"`
		} `json:"object"`
	} `json:"data"`
}

type logEntry struct {
	Code    string `json:"type"`
	UserID  string `json:"user_id"`
	Details struct {
		Request struct {
			Method string          `json:"method"`
			Path   string          `json:"path"`
			Body   json.RawMessage `json:"body"`
		} `json:"request"`
	} `json:"details"`
}

func parseNews(body []byte) (news, error) {
	var e event
	err := json.Unmarshal(body, &e)
	if inner := e.Event; err == nil && len(inner) > 0 {
		e = event{}
		err = json.Unmarshal(inner, &e)
	}
	if err != nil {
		return news{}, errNotAnEvent
	}
	if strings.Contains(e.Type, ".") {
		return e.news()
	}
	entry := e.Data.logEntry // of a log stream
	if e.Type != "" {        // of the log itself
		if err := json.Unmarshal(body, &entry); err != nil {
			return news{}, errNotAnEvent
		}
	}
	return entry.news()
}

// news reads an event of an event stream.
func (e event) news() (n news, err error) {
	o, complete := e.Data.Object, true
	of := member{o.Organization.ID, o.User.ID}
	switch e.Type {
	case "user.deleted", "user.updated":
		complete = o.UserID != ""
		if e.Type == "user.deleted" || o.Blocked {
			n.changed, n.dead = []member{{userID: o.UserID}}, []string{o.UserID}
		} else { // every login is such an update
			n.alive = []string{o.UserID}
		}
	case "organization.member.added", "organization.member.role.assigned":
		complete = of.orgID != "" && of.userID != ""
		n.changed = []member{of}
	case "organization.member.deleted", "organization.member.role.deleted":
		complete = of.orgID != "" && of.userID != ""
		n.changed, n.lost = []member{of}, []member{of}
	case "organization.group.role.assigned", "organization.group.role.deleted":
		complete = of.orgID != ""
		n.changed = []member{{orgID: of.orgID}}
	case "organization.deleted", "organization.updated":
		complete = o.ID != ""
		n.changed = []member{{orgID: o.ID}}
		if e.Type == "organization.deleted" {
			n.lost = n.changed
		}
	case "group.member.added", "group.member.deleted":
		n.changed = []member{{}}
		if o.Member.Type == "user" {
			complete = o.Member.ID != ""
			n.changed = []member{{userID: o.Member.ID}}
			if e.Type == "group.member.deleted" {
				n.lost = n.changed
			}
		}
	case "group.deleted", "group.role.assigned", "group.role.deleted":
		n.changed = []member{{}}
	default:
		if strings.HasPrefix(e.Type, "role.") {
			n.roles = append(n.roles, firstOf(o.Role.ID, o.ID))
			complete = n.roles[0] != ""
		}
	}
	if !complete {
		return news{}, errIncomplete
	}
	return n, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// news reads an entry of the log: sdu, or sapi, which has the request to the
// Management API.
func (l logEntry) news() (news, error) {
	switch l.Code {
	case "sdu":
		if l.UserID == "" {
			return news{}, errIncomplete
		}
		return news{changed: []member{{userID: l.UserID}}, dead: []string{l.UserID}}, nil
	case "sapi":
		method := strings.ToUpper(l.Details.Request.Method)
		if method == "GET" {
			return news{}, nil
		}
		segments := strings.Split(strings.TrimPrefix(strings.TrimPrefix(l.Details.Request.Path, "/api"), "/v2/"), "/")
		for i, s := range segments {
			plain, err := url.PathUnescape(s)
			if err != nil {
				return news{}, errNotAnEvent
			}
			segments[i] = plain
		}
		if len(segments) > 1 && segments[1] != "" {
			return l.request(method, segments), nil
		}
	}
	return news{}, nil
}

// request reads a write to the Management API, such as DELETE
// organizations/{id}/members.
func (l logEntry) request(method string, path []string) (n news) {
	var body struct {
		Blocked bool     `json:"blocked"`
		Members []string `json:"members"`
	}
	_ = json.Unmarshal(l.Details.Request.Body, &body) // the log may leave it out
	id := path[1]
	switch path[0] {
	case "users":
		switch {
		case len(path) == 2 && (method == "DELETE" || body.Blocked):
			n.changed, n.dead = []member{{userID: id}}, []string{id}
		case len(path) == 2 && len(l.Details.Request.Body) > 0 && string(l.Details.Request.Body) != "null":
			n.alive = []string{id}
		default:
			n.changed = []member{{userID: id}}
		}
	case "roles":
		n.roles = []string{id}
	case "groups":
		n.changed = []member{{}}
	case "organizations":
		switch {
		case len(path) > 3 && path[2] == "members":
			n.changed = []member{{id, path[3]}}
		case len(path) == 3 && path[2] == "members" && len(body.Members) > 0:
			for _, user := range body.Members {
				n.changed = append(n.changed, member{id, user})
			}
		default:
			n.changed = []member{{orgID: id}}
		}
		if method == "DELETE" && (len(path) == 2 || path[2] == "members") {
			n.lost = n.changed
		}
	}
	return n
}
