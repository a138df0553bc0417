package session

import (
	"errors"

	"github.com/auth0kit/auth0kit/internal/seal"
)

// Sealing returns functions that encrypt and open small values under Config.Keys
// (AES-256-GCM) for one purpose, such as "example.com/invitations". A value opens
// only with the place that it was sealed with: the name of its cookie, the id of
// its row. The functions are safe for concurrent use. An error says that there are
// no Keys or that purpose is empty.
func (m *Manager) Sealing(purpose string) (encrypt func(value, place []byte) []byte, open func(sealed, place []byte) ([]byte, error), err error) {
	switch {
	case len(m.cfg.Keys) == 0:
		return nil, nil, errors.New("session: Config.Keys is empty; give at least one key of 32 random bytes")
	case purpose == "":
		return nil, nil, errors.New("session: the purpose of Sealing is empty")
	}
	ring, err := seal.New("auth0kit/session/"+purpose, m.cfg.Keys)
	if err != nil {
		return nil, nil, err
	}
	return ring.Seal, ring.Open, nil
}
