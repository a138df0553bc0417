package core

import (
	"context"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Delete implements driver.Store.
func (s *Store) Delete(ctx context.Context, sel driver.Selector) ([]driver.Ended, error) {
	switch sel.Form() {
	case driver.SelectKey:
		p := s.shard(sel.Key.Tag)
		state, rest, err := s.run(ctx, deleteKeyScript, p, sel.Now, []string{p.session(*sel.Key)})
		switch {
		case err != nil:
			return nil, err
		case state == "L":
			return endedOf(rest)
		case state == "X":
			return nil, errRecord
		}
		return nil, nil
	case driver.SelectOne:
		return s.deleteOf(ctx, sel, sel.UserID, "one", sel.ID, "0")
	case driver.SelectOthers:
		return s.deleteOf(ctx, sel, sel.UserID, "others", sel.Except, "0")
	case driver.SelectUser:
		return s.deleteOf(ctx, sel, sel.UserID, "all", "", lifetime(sel.Now, sel.MarkUntil))
	case driver.SelectSID:
		return s.deleteSID(ctx, sel)
	case driver.SelectEveryone:
		return nil, s.deleteEveryone(ctx, sel)
	}
	return nil, driver.ErrSelector
}

// Forget implements driver.Store. What is left of sessions that ended before goes
// by itself, ten minutes after they would have expired.
func (s *Store) Forget(ctx context.Context, userID string) error {
	p := s.shard(driver.Tag(userID))
	_, rest, err := s.run(ctx, forgetScript, p, time.UnixMilli(0), []string{p.user(userID), p.userMark(userID)})
	if err != nil {
		return err
	}
	gone, err := endedOf(rest)
	if err != nil {
		return err
	}
	for _, e := range gone {
		if e.SID == "" {
			continue
		}
		if _, err := s.eval(ctx, unjoinScript, s.sidKeys(e.SID)[1:], userID); err != nil {
			return err
		}
	}
	return nil
}

// deleteOf ends those of one user's sessions that match, in one script.
func (s *Store) deleteOf(ctx context.Context, sel driver.Selector, userID, which, of, mark string) ([]driver.Ended, error) {
	p := s.shard(driver.Tag(userID))
	keys := []string{p.user(userID), p.userMark(userID)}
	state, rest, err := s.run(ctx, deleteUserScript, p, sel.Now, keys, which, of, mark)
	if err == nil {
		err = answer(state)
	}
	if err != nil {
		return nil, err
	}
	return endedOf(rest)
}

// deleteSID marks the SID, and then ends its sessions user by user: mostly one.
func (s *Store) deleteSID(ctx context.Context, sel driver.Selector) ([]driver.Ended, error) {
	users, err := s.eval(ctx, leaveScript, s.sidKeys(sel.SID), lifetime(sel.Now, sel.MarkUntil))
	if err != nil {
		return nil, err
	}
	var ended []driver.Ended
	for _, user := range users {
		some, err := s.deleteOf(ctx, sel, string(user), "sid", ref("sid", sel.SID), "0")
		if err != nil {
			return nil, err
		}
		ended = append(ended, some...)
	}
	return ended, nil
}

// deleteEveryone moves every shard to another epoch. When some of them cannot be
// reached, the others are done and the error says so.
func (s *Store) deleteEveryone(ctx context.Context, sel driver.Selector) error {
	calls := make([]Call, shards)
	for i := range calls {
		p := s.shard(uint16(i))
		calls[i] = Call{Keys: []string{p.state}, Args: s.args(p, sel.Now)}
	}
	failed := 0
	var last error
	for i, reply := range s.client.Run(ctx, everyoneScript, calls...) {
		if reply.Err == nil {
			reply.Err = s.counted(s.shard(uint16(i)), reply.Values)
		}
		if reply.Err != nil {
			failed, last = failed+1, reply.Err
		}
	}
	if failed > 0 {
		return fmt.Errorf("redissession: %d of %d shards were not reached: %w", failed, shards, last)
	}
	return nil
}
