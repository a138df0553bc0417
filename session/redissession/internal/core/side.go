package core

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Seen implements driver.Replay.
func (s *Store) Seen(ctx context.Context, id string, now, until time.Time) error {
	life := max(until.Sub(now), time.Millisecond).Milliseconds()
	fresh, err := s.eval(ctx, seenScript, []string{s.usedKey(id)}, strconv.FormatInt(life, 10))
	if err == nil && len(fresh) == 0 {
		return driver.ErrReplayed
	}
	return err
}

// Used implements driver.Replay, by Redis's clock.
func (s *Store) Used(ctx context.Context, id string, _ time.Time) error {
	values, err := s.values(ctx, []string{s.usedKey(id)})
	if err == nil && len(values[0]) > 0 {
		return driver.ErrReplayed
	}
	return wrap(err)
}

func (s *Store) usedKey(id string) string {
	sum := sha256.Sum256([]byte("auth0kit/redissession jti\x00" + id))
	return "{" + s.options.Prefix + ":jti:" + string(sum[:refSize]) + "}"
}

func (s *Store) outboxKeys() []string {
	base := "{" + s.options.Prefix + ":outbox}"
	return []string{base + ":d", base + ":j"}
}

// job is a session.Job as it lies in Redis, after its attempts and a space.
type job struct {
	ID        string `json:"i"`
	SID       string `json:"s,omitempty"`
	UserID    string `json:"u,omitempty"`
	CreatedAt int64  `json:"c"`
}

// Enqueue implements driver.Outbox.
func (s *Store) Enqueue(ctx context.Context, j driver.Job) error {
	text, err := json.Marshal(job{ID: j.ID, SID: j.SID, UserID: j.UserID, CreatedAt: j.CreatedAt.UnixMilli()})
	if err != nil {
		return wrap(err)
	}
	value := strconv.Itoa(j.Attempts) + " " + string(text)
	_, err = s.eval(ctx, enqueueScript, s.outboxKeys(), j.ID, millis(j.Due), value)
	return err
}

// Take implements driver.Outbox.
func (s *Store) Take(ctx context.Context, now, lease time.Time, n int) ([]driver.Job, error) {
	texts, err := s.eval(ctx, takeScript, s.outboxKeys(), millis(now), millis(lease), strconv.Itoa(n))
	if err != nil {
		return nil, err
	}
	var jobs []driver.Job
	for _, text := range texts {
		attempts, body, _ := strings.Cut(string(text), " ")
		var j job
		if err := json.Unmarshal([]byte(body), &j); err != nil {
			return nil, errRecord
		}
		count, err := strconv.Atoi(attempts)
		if err != nil {
			return nil, errRecord
		}
		jobs = append(jobs, driver.Job{
			ID: j.ID, SID: j.SID, UserID: j.UserID, Attempts: count,
			CreatedAt: time.UnixMilli(j.CreatedAt).UTC(), Due: lease,
		})
	}
	return jobs, nil
}

// Retry implements driver.Outbox.
func (s *Store) Retry(ctx context.Context, id string, due time.Time) error {
	_, err := s.eval(ctx, retryScript, s.outboxKeys()[:1], id, millis(due))
	return err
}

// Done implements driver.Outbox.
func (s *Store) Done(ctx context.Context, id string) error {
	_, err := s.eval(ctx, doneScript, s.outboxKeys(), id)
	return err
}
