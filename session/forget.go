package session

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// Forget ends all sessions of a user as RevokeUser does, and removes what the store
// keeps about them, to erase personal data. It can be repeated. Three things go by
// themselves: a task for Config.Outbox when it is done, and what is left of sessions
// that ended before, without a user, when they would have expired. Logins that are
// under way are refused before, and no longer after; block the user at Auth0 first.
func (m *Manager) Forget(ctx context.Context, userID string) error {
	if err := m.RevokeUser(ctx, userID); err != nil {
		return err
	}
	return known(m.store.Forget(ctx, userID))
}

// Export writes what is kept about the live sessions of a user as JSON, oldest first.
// Payloads are not exported: they are the application's.
func (m *Manager) Export(ctx context.Context, userID string, w io.Writer) error {
	list, err := m.List(ctx, userID)
	if err != nil {
		return err
	}
	type exported struct {
		ID           string    `json:"id"`
		Organization string    `json:"organization,omitempty"`
		Auth0Session string    `json:"auth0_session,omitempty"`
		CreatedAt    time.Time `json:"created_at"`
		LastSeen     time.Time `json:"last_seen"`
		ExpiresAt    time.Time `json:"expires_at"`
		Device       Device    `json:"device"`
		ProvedAt     time.Time `json:"proved_at,omitzero"`
		AMR          []string  `json:"amr,omitempty"`
	}
	out := struct {
		Sessions []exported `json:"sessions"`
	}{Sessions: []exported{}}
	for i := range list {
		s := &list[i]
		at, amr := s.Authentication()
		out.Sessions = append(out.Sessions, exported{s.ID, s.OrgID, s.SID, s.CreatedAt, s.LastSeen, s.ExpiresAt, s.Device, at, amr})
	}
	return json.NewEncoder(w).Encode(out)
}
