// Package actions runs login business logic in Go behind an Auth0 Action: what
// Rules and Hooks did until November 2026. A pipeline of steps looks at an event
// and says what is to be done; it is plain Go and is tested without a tenant:
//
//	func trial(_ context.Context, e *actions.Event, c *actions.Commands) error {
//		if e.User.AppMetadata["trial"] == "over" {
//			return actions.Deny("Your trial has ended.")
//		}
//		return c.AccessTokenClaim("https://example.com/greeting", "hello")
//	}
//
//	func main() {
//		p, err := actions.New(actions.PostLogin,
//			actions.Suspended("Your account is suspended."),
//			actions.MetadataClaims("https://example.com/", "plan", "customer_id"),
//			actions.Segment("https://example.com/segment", actions.NewMemoryCounter()), // or actions/sqlactions
//			actions.Step{Name: "trial", Run: trial},
//			actions.Track(audit.NewMemory()), // or a log of audit/auditlog
//		)
//		if err != nil {
//			log.Fatal(err)
//		}
//		m := map[string]any{"plan": "gold"}
//		r, err := p.Run(context.Background(), &actions.Event{ID: "1", User: actions.User{ID: "auth0|1", AppMetadata: m},
//			Transaction: actions.Transaction{Protocol: "oidc-basic-profile"}}) // Without a known flow nothing is counted.
//		fmt.Println(r.IDToken, r.AccessToken, r.Denied, err)
//	}
//
// A step returns an error to stop the login: the reason of Deny is shown to the
// user, the text of another error is not. A step that is Optional is left out when
// it fails.
//
// # In production
//
// Handler serves pipelines over HTTP. A Deployment puts a small Action of
// JavaScript, without npm packages, into the tenant; it sends the event to the
// Handler and does what the answer says. Serve first, since by default a login
// without an answer is denied:
//
//	keys := [][]byte{key} // 32 random bytes, the same at each start
//	handler, err := actions.Handler(keys, actions.HandlerConfig{}, p)
//	http.Handle("/auth0/actions", handler)
//	…
//	client, err := management.New(cfg) // with read:actions, create:actions, update:actions and delete:actions
//	d, err := actions.NewDeployment(client, p, "https://login.example.com/auth0/actions", keys, actions.DeploymentConfig{})
//	plan, err := d.Plan(ctx)
//	err = plan.WriteDiff(os.Stdout, false)
//	err = d.Apply(ctx, plan)
//
// Requests and answers are signed under keys by Standard Webhooks, and an answer is
// good for its request alone. The Action waits for DeploymentConfig.Timeout, never
// repeats a request, stops asking for ten seconds once a server has cost it more than
// a second and a half, and never throws: without a good answer it does what
// DeploymentConfig.OnUnreachable says. Suspended users are refused by the Action
// itself, so that an outage lets none of them in.
//
// # What is sent
//
// The Action sends ids, the flow, the user's app_metadata and time of creation, and
// what Event says of application, connection and organization but for metadata of the
// last two. Emails, names, phone numbers and addresses of users, and all else that
// Event says a step Needs, are sent when a step does, and Pipeline.Run shows a step
// nothing that would not be sent, in tests too.
//
// # Delegated sessions and agents
//
// Auth0 runs the same Action for refresh tokens, for silent authentication, and in
// sessions in which another acts for the user, where claims would appear in the
// user's own profile. Event.Interactive and Event.Delegated tell. Steps of this
// package that set claims, count or record leave delegated sessions alone unless
// Step.Delegated is set, and only interactive logins are counted and recorded.
//
// # Before it is live
//
// HandlerConfig.Candidates are pipelines that see every event and change nothing:
// OnDiff gets what would be different. Replay does the same with events that a
// History has kept.
package actions
