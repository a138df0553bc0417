package management

import "encoding/json"

// exchange is a payload that is one thing on the way out and another on the way
// back: the SDK encodes and decodes the same value.
type exchange struct{ in, out any }

// MarshalJSON encodes what is sent.
func (e *exchange) MarshalJSON() ([]byte, error) { return json.Marshal(e.in) }

// UnmarshalJSON decodes what is answered.
func (e *exchange) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, e.out) }
