package state

import (
	"context"
)

// Scripts runs the JavaScript of Actions; the public package documents it.
type Scripts interface {
	Run(ctx context.Context, code string, event, api any) error
}

// Action is a deployed Action at its place in a trigger's flow.
type Action struct {
	ID, Name, Code string
	Secrets        map[string]string
}

// actionState is who runs Actions, and which. The tenant's mutex guards it.
type actionState struct {
	Scripts Scripts
	Bound   func(trigger string) []Action // Nil: no Action is bound.
}
