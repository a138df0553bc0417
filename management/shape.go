package management

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// shape decodes an answer into out if it has what it must have: an id, or the
// list with an id in each item. Auth0 never leaves these out, a gateway before
// it, or a page of maintenance, does. A nil shape is for the calls that are
// answered without content.
type shape struct {
	list, item string // The key of a list, "" when the answer is one; the key that each item has.
	object     string // The key that the answer has.
	out        any
	optional   bool // 204 is documented.
	seen       bool
}

func objectWith(key string, out any) *shape { return &shape{object: key, out: out} }

func listOf(list, item string, out any) *shape { return &shape{list: list, item: item, out: out} }

var errShape = errors.New("the answer lacks what it must have")

// UnmarshalJSON refuses an answer that lacks a required key.
func (s *shape) UnmarshalJSON(body []byte) error {
	items := json.RawMessage(body)
	if s.object != "" && !has(body, s.object) {
		return errShape
	}
	if s.list != "" {
		items = field(body, s.list)
	}
	if s.item != "" {
		var all []json.RawMessage
		if json.Unmarshal(items, &all) != nil || all == nil {
			return errShape
		}
		for _, one := range all {
			if !has(one, s.item) {
				return errShape
			}
		}
	}
	s.seen = true
	return json.Unmarshal(body, s.out)
}

// check reports what is wrong with an answer of 2xx; the SDK takes one without
// content for a success.
func (s *shape) check(status int) error {
	empty := status == http.StatusNoContent
	switch {
	case s == nil && (empty || status == http.StatusAccepted):
	case s != nil && (s.seen || empty && s.optional):
	default:
		return errShape
	}
	return nil
}

func field(object []byte, key string) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil {
		return nil
	}
	return fields[key]
}

func has(object []byte, key string) bool {
	value := strings.TrimSpace(string(field(object, key)))
	return value != "" && value != "null" && value != `""`
}
