// Package auth0logs reads Auth0's tenant log into an audit log:
//
//	logs, err := auth0logs.New("shop.eu.auth0.com", client, events, auth0logs.Config{
//		Retention: 10 * 24 * time.Hour, // of the plan
//	})
//	go logs.Run(ctx) // polls
//
// Client is a *management.Client with the permission read:logs, and events an
// *auditlog.Log.
//
// # Reading
//
// [Ingester.Run] reads the log by checkpoint, in the order of Auth0's ids, and stores
// events with the cursor and with what is complete in one transaction. It stays a
// minute behind, because entries can become visible late. A second process does no
// harm. Where the cursor is older than Auth0 keeps entries, or than the oldest entry that
// is left, the time in between is reported as lost.
//
// What is complete follows from Auth0's answers, not from the clock of this machine, which
// may be ahead: everything up to Config.Behind before the time of the newest entry, and
// later by as much as has passed in this process since it saw that entry. So after a start
// in a quiet time the report shows a hole up to now, which the next entry closes.
//
// A stream makes events arrive within seconds: register [Ingester.ServeHTTP] as the
// endpoint of a custom webhook stream, with a random value for its Authorization
// header in Config. Send all categories, and do not mask or hash personal data there.
// Auth0's streams deliver at least once, in no order and without a signature, and a
// receiver cannot see what it was not sent. So Run goes on polling: it fills what the
// stream did not bring and records how much that was as "audit.stream_gap", with the
// reason "silent" when nothing of a time came, as with a paused stream, and "lost" when
// a part did.
//
// # Codes
//
// [Codes] has our reading of Auth0's 177 codes, each with a class, an outcome, a reason
// and who acts. An event's Type is the class, and its Action the class and the code:
// "login.s", "login.fp", "mfa.gd_auth_failed". Logins by delegates and agents are of
// the class "delegate" and do not count as the user's own. A code that is not there is
// "unknown" with an unknown outcome, never a success; reports list them.
package auth0logs
