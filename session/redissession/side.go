package redissession

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/session"
)

// Seen implements session.Replay.
func (s *Store) Seen(ctx context.Context, id string, now, until time.Time) error {
	life := max(until.Sub(now), time.Millisecond).Milliseconds()
	key := "{" + s.prefix + ":jti:" + ref("jti", id) + "}"
	err := s.client.Do(ctx, s.client.B().Set().Key(key).Value("1").Nx().PxMilliseconds(life).Build()).Error()
	switch {
	case rueidis.IsRedisNil(err):
		return session.ErrReplayed
	case err != nil:
		return wrap(err)
	}
	return nil
}

func (s *Store) outboxKeys() []string {
	base := "{" + s.prefix + ":outbox}"
	return []string{base + ":d", base + ":j"}
}

// job is a session.Job as it lies in Redis, after its attempts and a space.
type job struct {
	ID        string `json:"i"`
	SID       string `json:"s,omitempty"`
	UserID    string `json:"u,omitempty"`
	CreatedAt int64  `json:"c"`
}

// Enqueue implements session.Outbox.
func (s *Store) Enqueue(ctx context.Context, j session.Job) error {
	text, err := json.Marshal(job{ID: j.ID, SID: j.SID, UserID: j.UserID, CreatedAt: j.CreatedAt.UnixMilli()})
	if err != nil {
		return wrap(err)
	}
	keys := s.outboxKeys()
	value := strconv.Itoa(j.Attempts) + " " + string(text)
	// The job comes first: a due time without a job is dropped by Take, the other
	// way round it would never be found.
	for _, reply := range s.client.DoMulti(ctx,
		s.client.B().Hset().Key(keys[1]).FieldValue().FieldValue(j.ID, value).Build(),
		s.client.B().Zadd().Key(keys[0]).ScoreMember().ScoreMember(float64(j.Due.UnixMilli()), j.ID).Build(),
	) {
		if err := reply.Error(); err != nil {
			return wrap(err)
		}
	}
	return nil
}

// Take implements session.Outbox.
func (s *Store) Take(ctx context.Context, now, lease time.Time, n int) ([]session.Job, error) {
	args := []string{millis(now), millis(lease), strconv.Itoa(n)}
	texts, err := takeScript.Exec(ctx, s.client, s.outboxKeys(), args).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("redissession: %w", err)
	}
	var jobs []session.Job
	for _, text := range texts {
		attempts, body, _ := strings.Cut(text, " ")
		var j job
		if err := json.Unmarshal([]byte(body), &j); err != nil {
			return nil, errRecord
		}
		count, err := strconv.Atoi(attempts)
		if err != nil {
			return nil, errRecord
		}
		jobs = append(jobs, session.Job{
			ID: j.ID, SID: j.SID, UserID: j.UserID, Attempts: count,
			CreatedAt: time.UnixMilli(j.CreatedAt).UTC(), Due: lease,
		})
	}
	return jobs, nil
}

// Retry implements session.Outbox.
func (s *Store) Retry(ctx context.Context, id string, due time.Time) error {
	cmd := s.client.B().Zadd().Key(s.outboxKeys()[0]).Xx().ScoreMember().ScoreMember(float64(due.UnixMilli()), id).Build()
	return wrap(s.client.Do(ctx, cmd).Error())
}

// Done implements session.Outbox.
func (s *Store) Done(ctx context.Context, id string) error {
	keys := s.outboxKeys()
	for _, reply := range s.client.DoMulti(ctx,
		s.client.B().Zrem().Key(keys[0]).Member(id).Build(),
		s.client.B().Hdel().Key(keys[1]).Field(id).Build(),
	) {
		if err := reply.Error(); err != nil {
			return wrap(err)
		}
	}
	return nil
}
