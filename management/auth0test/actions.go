package auth0test

import "context"

// Scripts runs the JavaScript of Actions, for RunScripts. Package
// auth0test/scripts has one; it is apart because it needs a JavaScript engine.
//
// Run runs the code of an Action: it calls the function that the code exports
// for its trigger (onExecutePostLogin, onExecuteCredentialsExchange,
// onExecutePreUserRegistration) with event, which is what Auth0 documents
// in maps, slices, strings, numbers and booleans, and api, whose objects are
// maps and whose methods are functions of Go. An error, or a promise that is
// rejected, fails the login. Run is called without locks and may use the tenant.
type Scripts interface {
	Run(ctx context.Context, code string, event, api any) error
}

// RunScripts makes the tenant run the Actions that are bound to logins, to tokens of
// applications and to sign-ups, and, if s has the method Database of scripts.Engine,
// the scripts of custom databases (login, get_user, create, change_password) where Auth0
// runs them. Without it bindings and scripts are refused.
func (t *Tenant) RunScripts(s Scripts) {
	t.s.Lock()
	defer t.s.Unlock()
	t.s.Auth.Actions.Scripts = s
}
