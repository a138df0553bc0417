// Package benchrow carries the results of the comparisons to the one table.
package benchrow

import (
	"encoding/json"
	"errors"
	"os"
)

// Row is one comparison with one peer.
type Row struct {
	What   string  `json:"what"` // What is measured: "RS256 access token, CPU".
	Unit   string  `json:"unit"`
	Peer   string  `json:"peer,omitempty"` // With its version. Empty: nothing to compare with.
	Theirs float64 `json:"theirs"`
	Ours   float64 `json:"ours"`
	More   bool    `json:"more,omitempty"` // More is better, as of events a second.
}

// Ratio returns how many times better ours is; below 1 it is worse.
func (r Row) Ratio() float64 {
	if r.More {
		return r.Ours / r.Theirs
	}
	return r.Theirs / r.Ours
}

// Variable names the file that rows are added to.
const Variable = "AUTH0KIT_BENCH_ROWS"

// Add appends rows to the file that the variable names. Without one it does
// nothing: the programs print tables of their own.
func Add(rows ...Row) (err error) {
	name := os.Getenv(Variable)
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	enc := json.NewEncoder(f)
	for _, r := range rows {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return nil
}
