package tenancy

import (
	"encoding/json"
	"errors"
)

// event is the part of Auth0's event stream events that says whose roles have
// changed: a CloudEvent as a webhook gets it, or the message of the Events API
// around one.
type event struct {
	Type  string
	Event json.RawMessage
	Data  struct {
		Object struct {
			ID           string `json:"id"`
			Organization struct {
				ID string `json:"id"`
			} `json:"organization"`
			User struct {
				ID string `json:"user_id"`
			} `json:"user"`
			Member struct {
				Type string `json:"member_type"`
				ID   string `json:"id"`
			} `json:"member"`
		} `json:"object"`
	} `json:"data"`
}

// Observe reads an event of Auth0's event streams and forgets the members whose
// roles it changes, so that a change takes effect at once instead of after
// RoleTTL. Pass it the body of a webhook after you have checked the webhook's
// authorization, or a message of the Events API. Events of other types are
// ignored.
//
// It understands organization.member.added, .deleted, .role.assigned and
// .role.deleted, organization.group.role.assigned and .deleted (the whole
// organization), organization.deleted, group.member.added and .deleted (the user
// in every organization; everybody, if the member is a connection), and
// group.deleted (everybody). A stream reaches one replica; spread its events to
// all, or keep RoleTTL short.
func (x *Extractor) Observe(body []byte) error {
	e, err := parseEvent(body)
	if err != nil {
		return err
	}
	o := e.Data.Object
	match, complete := func(member) bool { return false }, true
	switch e.Type {
	case "organization.member.added", "organization.member.deleted",
		"organization.member.role.assigned", "organization.member.role.deleted":
		complete = o.Organization.ID != "" && o.User.ID != ""
		match = func(m member) bool { return m == member{o.Organization.ID, o.User.ID} }
	case "organization.group.role.assigned", "organization.group.role.deleted":
		complete = o.Organization.ID != ""
		match = func(m member) bool { return m.orgID == o.Organization.ID }
	case "organization.deleted":
		complete = o.ID != ""
		match = func(m member) bool { return m.orgID == o.ID }
	case "group.member.added", "group.member.deleted":
		match = func(m member) bool { return o.Member.Type != "user" || m.userID == o.Member.ID }
	case "group.deleted":
		match = func(member) bool { return true }
	}
	if !complete {
		return errors.New("tenancy: the event does not say whose roles have changed")
	}
	x.invalidate(match)
	return nil
}

func parseEvent(body []byte) (e event, err error) {
	err = json.Unmarshal(body, &e)
	if inner := e.Event; err == nil && len(inner) > 0 {
		e = event{}
		err = json.Unmarshal(inner, &e)
	}
	if err != nil {
		return event{}, errors.New("tenancy: the event is not JSON of the expected form")
	}
	return e, nil
}
