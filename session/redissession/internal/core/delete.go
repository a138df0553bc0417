package core

import (
	"context"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Delete implements driver.Store.
func (s *Store) Delete(ctx context.Context, sel driver.Selector) ([]driver.Ended, error) {
	if err := sel.Check(); err != nil {
		return nil, err
	}
	names := driver.KeyOf(sel.UserID, "")
	p := s.shard(names)
	switch sel.Form {
	case driver.SelectKey:
		return s.deleteKey(ctx, sel, "")
	case driver.SelectSuperseded:
		return s.deleteKey(ctx, sel, "superseded")
	case driver.SelectOne:
		return s.deleteOf(ctx, sel, sel.UserID, "one", sel.ID, p.user(names))
	case driver.SelectOthers:
		return s.deleteOf(ctx, sel, sel.UserID, "others", sel.ID, p.session(sel.Key))
	case driver.SelectUser:
		return s.deleteOf(ctx, sel, sel.UserID, "all", "", p.user(names))
	case driver.SelectSID:
		return s.deleteSID(ctx, sel)
	}
	return nil, s.deleteEveryone(ctx, sel.Now)
}

func (s *Store) deleteKey(ctx context.Context, sel driver.Selector, how string) ([]driver.Ended, error) {
	p := s.shard(sel.Key)
	state, rest, err := s.run(ctx, deleteKeyScript, p, sel.Now, []string{p.session(sel.Key)}, how, sinceOf(sel))
	switch {
	case err != nil:
		return nil, err
	case state == "L":
		return endedOf(rest), nil
	case state == "P":
		return nil, driver.ErrReplaced
	}
	return nil, nil
}

// sinceOf is a time at which nothing has ended when Since is zero.
func sinceOf(sel driver.Selector) string {
	if sel.Since.IsZero() {
		return millis(sel.Now.AddDate(1000, 0, 0))
	}
	return millis(sel.Since)
}

// deleteOf ends those of one user's sessions that match, in one script.
func (s *Store) deleteOf(ctx context.Context, sel driver.Selector, userID, which, of, key string) ([]driver.Ended, error) {
	names := driver.KeyOf(userID, "")
	p := s.shard(names)
	keys := []string{p.user(names), p.userMark(names), key}
	state, rest, err := s.run(ctx, deleteUserScript, p, sel.Now, keys, which, of, lifetime(sel.Now, sel.MarkUntil), sinceOf(sel))
	if err == nil {
		err = answer(state)
	}
	if err != nil {
		return nil, err
	}
	return endedOf(rest), nil
}

// deleteSID marks the SID, and then ends its sessions user by user: mostly one. The
// list of users lies in another shard than they do, and may have been lost alone: so
// the SID's epoch goes in all shards.
func (s *Store) deleteSID(ctx context.Context, sel driver.Selector) ([]driver.Ended, error) {
	users, err := s.eval(ctx, leaveScript, s.sidKeys(sel.SID), lifetime(sel.Now, sel.MarkUntil), millis(sel.Now))
	if err != nil {
		return nil, err
	}
	names := driver.KeyOf("", sel.SID)
	var ended []driver.Ended
	for _, user := range users {
		key := s.shardOf(string(user)).sidEpoch(names)
		some, err := s.deleteOf(ctx, sel, string(user), "sid", string(names.SID[:]), key)
		if err != nil {
			return nil, err
		}
		ended = append(ended, some...)
	}
	return ended, s.everyShard(ctx, unlistedScript, sel.Now, func(p *shard) []string { return []string{p.sidEpoch(names)} })
}

// deleteEveryone moves every shard to another epoch.
func (s *Store) deleteEveryone(ctx context.Context, now time.Time) error {
	return s.everyShard(ctx, everyoneScript, now, func(*shard) []string { return nil })
}

// everyShard runs a script in all shards. When some of them cannot be reached, the
// others are done and the error says so.
func (s *Store) everyShard(ctx context.Context, lua *Script, now time.Time, keys func(*shard) []string) error {
	all, calls := make([]*shard, shards), make([]Call, shards)
	for i := range all {
		all[i] = &s.parts[i]
	}
	evicts := s.mayForget(ctx, all...)
	for i, p := range all {
		calls[i] = Call{Keys: append([]string{p.state}, keys(p)...), Args: s.args(p, now)}
	}
	failed := 0
	var last error
	for i, reply := range s.client.Run(ctx, lua, calls...) {
		if reply.Err == nil {
			reply.Err = s.parts[i].counted(reply.Values)
		}
		if reply.Err != nil {
			failed, last = failed+1, reply.Err
		}
	}
	if failed > 0 {
		return fmt.Errorf("redissession: %d of %d shards were not reached: %w", failed, shards, last)
	}
	return evicts
}

// Forget implements driver.Store.
func (s *Store) Forget(ctx context.Context, userID string) error {
	names := driver.KeyOf(userID, "")
	p := s.shard(names)
	_, rest, err := s.run(ctx, forgetScript, p, time.UnixMilli(0), []string{p.user(names), p.userMark(names)})
	if err != nil {
		return err
	}
	for _, e := range endedOf(rest) {
		if e.SID == "" {
			continue
		}
		if _, err := s.eval(ctx, unjoinScript, s.sidKeys(e.SID)[1:], userID); err != nil {
			return err
		}
	}
	return nil
}
