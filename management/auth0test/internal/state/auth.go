package state

import "github.com/auth0kit/auth0kit/management/auth0test/internal/store"

// Auth is what the Authentication API keeps. The tenant's mutex guards it.
type authState struct {
	Sessions sessionStore
	Refresh  refreshStore
	Factors  factorStore
	Protect  protection
	Logs     TenantLog
	Actions  actionState

	DefaultAudience string
	OrgNames        bool // Names of organizations are in tokens and in requests.
}

func (s *authState) start(settings func(string) store.Document) {
	s.Sessions.start()
	s.Refresh.start()
	s.Factors.start()
	s.Protect.start(settings)
	s.Logs.start()
}

// RunsActions reports whether something runs the code of Actions.
func (t *Tenant) RunsActions() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Auth.Actions.Scripts != nil
}
