package guardian

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// Forget removes what is kept about a user here, to erase personal data: factors,
// recovery codes, pending challenges and counters of failures. It can be repeated, and
// is recorded as "guardian.forget". Reset does it too, removes what Auth0 has, and
// tells the user.
func (s *Service) Forget(ctx context.Context, userID string) error {
	if err := checkUser(userID); err != nil {
		return err
	}
	if s.store == nil {
		return errNoStore
	}
	return s.ended(ctx, "forget", userID, "", wrapped("forget", s.store.Forget(ctx, userID)))
}

// Export writes what is kept about a user here as JSON: a list of factors with their
// names and times. Secrets are not exported: keys of apps, public keys of passkeys,
// and hashes of recovery codes.
func (s *Service) Export(ctx context.Context, userID string, w io.Writer) error {
	if err := checkUser(userID); err != nil {
		return err
	}
	local, _, err := s.localEnrollments(ctx, userID)
	if err != nil {
		return err
	}
	type factor struct {
		Factor    Factor    `json:"factor"`
		Name      string    `json:"name,omitempty"`
		Confirmed bool      `json:"confirmed"`
		CreatedAt time.Time `json:"created_at"`
		LastUsed  time.Time `json:"last_used,omitzero"`
	}
	out := struct {
		Factors []factor `json:"factors"`
	}{Factors: []factor{}}
	for _, e := range local {
		out.Factors = append(out.Factors, factor{e.Factor, e.Name, e.Confirmed, e.CreatedAt, e.LastUsed})
	}
	return json.NewEncoder(w).Encode(out)
}
