package management

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"

	"github.com/auth0kit/auth0kit/management/resource"
)

const (
	pageSize = 100 // What every list of the Management API allows.

	// maxOffset is where paging by number ends
	// (https://auth0.com/docs/manage-users/user-search/view-search-results-by-page).
	maxOffset = 1000
)

// byOffset yields the pages 0, 1, … of 100 until one is short. Auth0 shows the
// first 1,000 records only; unless total says that these are all, the sequence
// ends with an error instead of silently.
func byOffset[T any](ctx context.Context, op string, fetch func(ctx context.Context, query url.Values) (items []T, total int, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for page := range maxOffset / pageSize {
			query := url.Values{
				"page": {strconv.Itoa(page)}, "per_page": {strconv.Itoa(pageSize)}, "include_totals": {"true"},
			}
			items, total, err := fetch(ctx, query)
			if err != nil {
				yield(zero, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if len(items) < pageSize || total == (page+1)*pageSize {
				return
			}
		}
		yield(zero, &resource.Error{Op: op, Err: fmt.Errorf("%w: Auth0 lists the first 1,000 only, and there may be more", resource.ErrInvalid)})
	}
}

// byCheckpoint yields pages of 100, each named by the one before, until no next
// one is named. The last page may be empty.
func byCheckpoint[T any](ctx context.Context, op string, fetch func(ctx context.Context, query url.Values) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := url.Values{"take": {strconv.Itoa(pageSize)}}
		for way := (pages{most: maxPages}); ; {
			items, next, err := fetch(ctx, query)
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			if err := way.follow(op, next, len(items) > 0); err != nil {
				var zero T
				yield(zero, err)
				return
			}
			query.Set("from", next)
		}
	}
}

const (
	// maxPages is five times what Auth0's largest lists have: 2,000,000 organizations
	// or members
	// (https://auth0.com/docs/troubleshoot/customer-support/operational-policies/entity-limit-policy).
	maxPages = 100_000

	// maxBarren is how many pages without anything may follow each other. Auth0 has one,
	// at the end.
	maxBarren = 5
)

// pages watches the way that a peer names from page to page.
type pages struct {
	most      int
	n, barren int
	mark      string // A name that has come; another one each time that n has doubled (Brent's method).
}

// follow reports by its error that the way leads in a circle or to no end. fresh is
// whether the page had something new.
func (p *pages) follow(op, next string, fresh bool) error {
	p.n++
	p.barren++
	if fresh {
		p.barren = 0
	}
	if next == p.mark || p.barren > maxBarren || p.n >= p.most {
		return &resource.Error{Op: op, Err: fmt.Errorf("%w: the list names pages without end", resource.ErrUnavailable)}
	}
	if p.n&(p.n-1) == 0 {
		p.mark = next
	}
	return nil
}

// maxCollected is above what Auth0 allows of anything that is collected: members of
// a group are the most.
const maxCollected = 100_000

// collect is a sequence as a slice, for what Auth0 keeps small.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		if all = append(all, item); len(all) > maxCollected {
			return nil, &resource.Error{Op: "list", Err: fmt.Errorf("%w: the pages have more than Auth0 allows", resource.ErrUnavailable)}
		}
	}
	return all, nil
}

// convert maps each of in.
func convert[S, T any](in []S, f func(S) T) []T {
	out := make([]T, len(in))
	for i, s := range in {
		out[i] = f(s)
	}
	return out
}
