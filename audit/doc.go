// Package audit defines the events that a service and the packages of auth0kit
// record: who did what to whom, from where, and how it ended.
//
// A service makes one [Recorder] and hands it to the packages that it uses.
// Middleware puts the origin of a request into the context once, and every event
// that is recorded below it carries that origin:
//
//	log := audit.NewMemory()
//	sessions, err := session.New(store, session.Config{Recorder: log})
//	…
//	ctx = audit.NewContext(ctx, audit.Origin{
//		Actor: audit.Ref{Kind: "user", ID: userID},
//		IP:    clientIP, UserAgent: r.UserAgent(), Correlation: sid,
//	})
//
// Packages record with [Record], which completes the event from the context,
// validates it, and wraps a failure in [ErrNotRecorded].
//
// # What belongs in an event
//
// Type and Action name what happened in a small, fixed vocabulary ("session",
// "session.create"); Reason says why it failed in words of low cardinality
// ("wrong_code"). Actor, OnBehalfOf and Target are references, not names; an event
// has one target; record what concerns several targets as several events with one
// Correlation. Data that identifies a person beyond the reference (an email, a
// phone number) goes into [Event.Personal], which is separate so that it can be
// sealed and erased. Never put secrets, tokens, codes or hashes into an event.
package audit
