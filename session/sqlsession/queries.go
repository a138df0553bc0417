package sqlsession

const columns = `s.id, s.hash, s.user_id, s.sid, s.version, s.created_at, s.rotated_at, s.last_seen, s.idle_at,
	s.expires_at, s.methods, s.user_agent, s.ip, s.csrf, s.revoked, s.epoch, e.epoch`

// live is what a record must be for a change at the time that is parameter now.
func live(now string) string {
	return `revoked = 0 AND idle_at > ` + now + ` AND expires_at > ` + now + ` AND epoch = (SELECT epoch FROM {t}_state WHERE one = 1)`
}

// kill leaves of a session what tells that it was revoked; $1 is now.
var kill = `UPDATE {t} SET revoked = 1, payload = NULL, methods = '', user_agent = '', ip = '' WHERE ` + live("$1")

// queries are the statements with the table's name. Parameters appear in the order
// of their numbers, because SQLite takes $3 for a name, and numbers names as they
// appear.
type queries struct {
	byHash, byOldHash, touch         string
	lockUser, lockSID, state, others string
	insert, replace, endOld, keepOld string
	killHash, killOldHash, killID    string
	killUser, killOthers, killSID    string
	markUser, markSID, markEveryone  string
	list                             string
	seen                             string
	enqueue, take, retry, done       string
	sweepMain, sweepOld              string
	sweepUser, sweepSID, sweepSeen   string
}

func (s *Store) prepare() queries {
	return queries{
		byHash: s.sql(`SELECT ` + columns + `, s.payload FROM {t} s, {t}_state e WHERE e.one = 1 AND s.hash = $1`),
		byOldHash: s.sql(`SELECT ` + columns + `, s.payload, o.until FROM {t}_old o JOIN {t} s ON s.id = o.id, {t}_state e
			WHERE e.one = 1 AND o.hash = $1`),
		touch: s.sql(`UPDATE {t} SET last_seen = $1, idle_at = $2 WHERE id = $3 AND last_seen < $4 AND ` + live("$1")),

		// These two lock the row of the user or the SID until the transaction ends.
		lockUser: s.sql(`INSERT INTO {t}_user (user_id, revoked_at, keep_until) VALUES ($1, 0, $2)
			ON CONFLICT (user_id) DO UPDATE SET revoked_at = {t}_user.revoked_at RETURNING revoked_at`),
		lockSID: s.sql(`INSERT INTO {t}_sid (sid, revoked_at, keep_until) VALUES ($1, 0, $2)
			ON CONFLICT (sid) DO UPDATE SET revoked_at = {t}_sid.revoked_at RETURNING revoked_at`),
		state:  s.sql(`SELECT epoch, revoked_at FROM {t}_state WHERE one = 1`),
		others: s.sql(`SELECT id, last_seen FROM {t} WHERE ` + live("$1") + ` AND user_id = $2 ORDER BY created_at, id`),
		insert: s.sql(`INSERT INTO {t} (id, hash, user_id, sid, version, epoch, revoked, created_at, rotated_at, last_seen,
			idle_at, expires_at, methods, user_agent, ip, csrf, payload)
			VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`),

		replace: s.sql(`UPDATE {t} SET hash = $1, version = $2, rotated_at = $3, last_seen = $4, idle_at = $5,
			expires_at = $6, methods = $7, user_agent = $8, ip = $9, csrf = $10, payload = $11
			WHERE hash = $12 AND version = $13 AND ` + live("$14")),
		endOld:  s.sql(`UPDATE {t}_old SET until = 0 WHERE id = $1`),
		keepOld: s.sql(`INSERT INTO {t}_old (hash, id, until) VALUES ($1, $2, $3)`),

		killHash:    s.sql(kill + ` AND hash = $2 RETURNING id, user_id, sid`),
		killOldHash: s.sql(kill + ` AND id = (SELECT id FROM {t}_old WHERE hash = $2 AND until > $1) RETURNING id, user_id, sid`),
		killID:      s.sql(kill + ` AND user_id = $2 AND id = $3 RETURNING id, user_id, sid`),
		killUser:    s.sql(kill + ` AND user_id = $2 RETURNING id, user_id, sid`),
		killOthers:  s.sql(kill + ` AND user_id = $2 AND id <> $3 RETURNING id, user_id, sid`),
		killSID:     s.sql(kill + ` AND sid = $2 RETURNING id, user_id, sid`),

		markUser: s.sql(`INSERT INTO {t}_user (user_id, revoked_at, keep_until) VALUES ($1, $2, $3)
			ON CONFLICT (user_id) DO UPDATE SET revoked_at = $2, keep_until = $3`),
		markSID: s.sql(`INSERT INTO {t}_sid (sid, revoked_at, keep_until) VALUES ($1, $2, $3)
			ON CONFLICT (sid) DO UPDATE SET revoked_at = $2, keep_until = $3`),
		markEveryone: s.sql(`UPDATE {t}_state SET epoch = epoch + 1, revoked_at = $1 WHERE one = 1`),

		list: s.sql(`SELECT ` + columns + ` FROM {t} s, {t}_state e
			WHERE e.one = 1 AND s.user_id = $1 AND s.revoked = 0 AND s.epoch = e.epoch AND s.idle_at > $2 AND s.expires_at > $2
			ORDER BY s.created_at, s.id`),

		seen: s.sql(`INSERT INTO {t}_seen (id, until) VALUES ($1, $2)
			ON CONFLICT (id) DO UPDATE SET until = $2 WHERE {t}_seen.until <= $3`),

		enqueue: s.sql(`INSERT INTO {t}_outbox (id, sid, user_id, attempts, created_at, due) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO NOTHING`),
		// The outer condition is for Postgres: it is looked at again after waiting for
		// another who takes the same rows.
		take: s.sql(`UPDATE {t}_outbox SET attempts = attempts + 1, due = $1 WHERE due <= $2 AND id IN
			(SELECT id FROM {t}_outbox WHERE due <= $2 ORDER BY due, id LIMIT $3)
			RETURNING id, sid, user_id, attempts, created_at`),
		retry: s.sql(`UPDATE {t}_outbox SET due = $1 WHERE id = $2`),
		done:  s.sql(`DELETE FROM {t}_outbox WHERE id = $1`),

		sweepMain: s.sql(`DELETE FROM {t} WHERE id IN (SELECT id FROM {t} WHERE idle_at <= $1 OR expires_at <= $1
			OR epoch <> (SELECT epoch FROM {t}_state WHERE one = 1) LIMIT $2)`),
		sweepOld:  s.sql(`DELETE FROM {t}_old WHERE NOT EXISTS (SELECT 1 FROM {t} WHERE {t}.id = {t}_old.id)`),
		sweepUser: s.sql(`DELETE FROM {t}_user WHERE keep_until <= $1`),
		sweepSID:  s.sql(`DELETE FROM {t}_sid WHERE keep_until <= $1`),
		sweepSeen: s.sql(`DELETE FROM {t}_seen WHERE until <= $1`),
	}
}
