// Package delegation keeps the administrators of Auth0 organizations as they are
// declared, from a server and by machine-to-machine calls; a browser uses Auth0's
// My Organization API instead.
//
// Whoever may administer an organization can add and remove administrators on a
// page of yours, and a nightly job can keep all organizations as a file, a table
// or a group of an identity provider says:
//
//	package main
//
//	import (
//		"context"
//		"errors"
//		"log"
//		"net/http"
//		"os"
//
//		"github.com/auth0kit/auth0kit/management"
//		"github.com/auth0kit/auth0kit/tenancy/delegation"
//	)
//
//	const (
//		role   = "rol_0123456789abcdef" // of administrators
//		portal = "your-client-id"       // of the application that people log in to
//	)
//
//	func main() {
//		cfg, err := management.ConfigFromEnv()
//		check(err)
//		client, err := management.New(cfg)
//		check(err)
//		may := delegation.Either(delegation.Jobs("nightly"), delegation.Holders(client, role))
//		service, err := delegation.New(client, role, may, delegation.Config{
//			Onboarding: delegation.Invite{ClientID: portal, Inviter: "Example Inc."},
//		})
//		check(err)
//		if len(os.Args) > 2 { // orgadmin org_… ada@example.com bob@example.com
//			check(nightly(context.Background(), service, os.Args[1], os.Args[2:]))
//			return
//		}
//		http.Handle("POST /orgs/{org}/administrators", add(service))
//		log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
//	}
//
//	// add is a page.
//	func add(service *delegation.Service) http.Handler {
//		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			_, err := service.As(delegation.User(subject(r))).Create(r.Context(), r.PathValue("org"), r.FormValue("email"))
//			if err != nil && !errors.Is(err, delegation.ErrNotNotified) { // Which means done.
//				http.Error(w, "not added", http.StatusUnprocessableEntity) // docs/delegation has a status for each error.
//				return
//			}
//			w.WriteHeader(http.StatusNoContent)
//		})
//	}
//
//	// subject returns the user's id of the verified session, never of the form.
//	func subject(r *http.Request) string { return "" }
//
//	// nightly is a job: it shows the plan and applies it.
//	func nightly(ctx context.Context, service *delegation.Service, orgID string, emails []string) error {
//		job := service.As(delegation.Job("nightly"))
//		plan, err := job.Plan(ctx, orgID, delegation.Declared{Emails: emails, From: "admins.yaml@3f2a91c"})
//		if err != nil {
//			return err
//		}
//		if err := plan.WriteDiff(os.Stdout, true); err != nil {
//			return err
//		}
//		_, err = job.Apply(ctx, plan)
//		return err
//	}
//
//	func check(err error) {
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// # Who is an administrator
//
// Somebody who holds the administrator role in the organization, directly or
// through a group. Administrators who are blocked, deleted, unverified, or of a
// connection that the organization has not enabled are shown, and do not count:
// they cannot log in, or should not have been let in, and they cannot act here. Of
// linked accounts any may belong to an enabled connection. An invitation is shown and
// does not count either, because it may never be accepted. An invitation that has
// gone was not necessarily accepted: Auth0 also removes it when somebody tries it
// with another account. Only the role tells. A declared person who does not count is
// refused in the plan, unless another account of theirs can get the role.
//
// Roles are given inside of the organization alone. A role that is given for the
// whole tenant is none of the organization's, and [Admin.Review] reports it.
//
// # What is refused
//
// A change that leaves fewer than MinAdmins administrators who count, whatever
// takes them away: [ErrLastAdmin]. What an actor would do to themselves: [ErrSelf].
// A declaration of nobody: [ErrEmpty]. More than MaxRemovals in one plan:
// [ErrTooManyRemovals]. A role outside of GrantableRoles, one that another
// organization owns, one that the actor does not hold, and everything that the
// [Authorizer] does not allow: [ErrNotAllowed]. An account of which Auth0 does not
// know that the email is the person's: [ErrUnverified]. Several accounts of one
// email: [AmbiguousError].
//
// A change of which a part was written, and of which Auth0 then did not show what
// became, is resource.ErrOutcomeUnknown and recorded as unknown: run it again.
//
// # Several processes
//
// Verbs that change something hold a lock of the organization. Without
// Config.Locker it is one of this process; use pgdelegation when several run.
//
// # Requirements
//
// An application authorized for the Management API with [Service.Scopes]. With
// [Service.OptionalScopes] administrators by group are shown too; without them, or on
// a tenant without groups, they are missing from lists and do not count. A role that
// is removed works until the tokens that carry it expire.
//
// The list of members and the search for users lag behind writes by seconds. Before
// somebody is removed, those who stay are therefore read again one by one.
package delegation
