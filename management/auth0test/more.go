package auth0test

// more is what files of other areas keep in the tenant, under its mutex. Each
// area has a struct of its own, so that this is the only line it adds here.
type more struct {
	authState authState // Sessions, tokens, factors, attack protection, the log.
	guardian  guardianState
	actions   actionStore

	settings       settings
	logStreams     logStreamStore
	devices        table[deviceCredential]
	emailProvider  map[string]any
	emailTemplates map[string]map[string]any
	legacy         legacyStore
	documents      documents
	profileTexts   map[string]map[string]any
	look           lookState
	domains        domainState
	encryption     encryptionState
	blacklist      []refusedToken
}

// startMore makes the zero values of more usable.
func (t *Tenant) startMore() {
	t.authState.start()
	t.authState.actions.bound = t.boundActions
	t.settings = initialSettings()
	t.documents = documents{}
}

// userRemoved is told of a deleted user, under the mutex: sessions end, tokens
// die.
func (t *Tenant) userRemoved(u *user) { t.userDeleted(u.id) }

// userChanged is told of a change by PATCH, under the mutex; body is what the
// request said.
func (t *Tenant) userChanged(u *user, body map[string]any) {
	if _, has := body["password"]; has {
		t.passwordChanged(u.id)
	}
	if _, has := body["email"]; has {
		t.identifierChanged(u.id)
	}
}
