package sqlsession

import "github.com/auth0kit/auth0kit/internal/sqlstore"

const columns = `s.id, s.hash, s.user_id, s.sid, s.org_id, s.version, s.created_at, s.rotated_at, s.last_seen, s.idle_at,
	s.expires_at, s.methods, s.user_agent, s.ip, s.csrf, s.revoked,
	CASE WHEN s.epoch = e.epoch AND s.user_epoch = u.epoch AND (s.sid = '' OR s.sid_epoch = x.epoch) THEN 1 ELSE 0 END`

// marks are what a session is compared with when it is read.
const marks = ` JOIN {t}_state e ON e.one = 1 LEFT JOIN {t}_user u ON u.user_id = s.user_id LEFT JOIN {t}_sid x ON x.sid = s.sid`

// live is what a record must be for a change at the time that is parameter $1.
const live = `revoked = 0 AND idle_at > $1 AND expires_at > $1 AND epoch = (SELECT epoch FROM {t}_state WHERE one = 1)`

// locked begins a query of live sessions that are to be ended.
const locked = `SELECT id, user_id, sid FROM {t} WHERE ` + live

// before begins a query of sessions that were ended since the time that is the last
// parameter.
const before = `SELECT id, user_id, sid FROM {t} WHERE revoked = 1 AND idle_at > $1 AND expires_at > $1`

// grow gives a mark another epoch and moves its times, forward only.
const grow = ` SET epoch = $2, revoked_at = CASE WHEN revoked_at < $3 THEN $3 ELSE revoked_at END,
			keep_until = CASE WHEN keep_until < $4 THEN $4 ELSE keep_until END`

// queries are the statements with the table's name.
type queries struct {
	byHash, byOldHash, touch, list                                 sqlstore.Statement
	lockUser, lockSID, keepUser, keepSID, marks, others, insert    sqlstore.Statement
	replace, endOld, keepOld                                       sqlstore.Statement
	lockHash, lockOldHash, lockID, lockAll, lockOthers, lockShared sqlstore.Statement
	oneBefore, oldBefore, idBefore, othersBefore                   sqlstore.Statement
	markUser, markSID, markEveryone, supersede                     sqlstore.Statement
	forgetOld, forget, forgetMark                                  sqlstore.Statement
	see, seeAgain, used, enqueue, due, retry, done                 sqlstore.Statement
}

func prepare(sql func(string) sqlstore.Statement) queries {
	return queries{
		byHash: sql(`SELECT ` + columns + `, s.payload FROM {t} s` + marks + ` WHERE s.hash = $1`),
		byOldHash: sql(`SELECT ` + columns + `, s.payload, o.until FROM {t}_old o JOIN {t} s ON s.id = o.id` + marks + `
			WHERE o.hash = $1`),
		touch: sql(`UPDATE {t} SET last_seen = $1, idle_at = $2 WHERE id = $3 AND last_seen < $4 AND ` + live),
		list: sql(`SELECT ` + columns + ` FROM {t} s` + marks + `
			WHERE s.user_id = $1 AND s.revoked = 0 AND s.idle_at > $2 AND s.expires_at > $2 ORDER BY s.created_at, s.id`),

		// These two lock the row of the user or the SID until the transaction ends.
		lockUser: sql(`INSERT INTO {t}_user (user_id, epoch, revoked_at, keep_until) VALUES ($1, $2, 0, $3) {upsert user_id: user_id}`),
		lockSID:  sql(`INSERT INTO {t}_sid (sid, epoch, revoked_at, keep_until) VALUES ($1, $2, 0, $3) {upsert sid: sid}`),
		keepUser: sql(`UPDATE {t}_user SET keep_until = $2 WHERE user_id = $1 AND keep_until < $2`),
		keepSID:  sql(`UPDATE {t}_sid SET keep_until = $2 WHERE sid = $1 AND keep_until < $2`),
		marks: sql(`SELECT e.epoch, e.revoked_at, u.epoch, u.revoked_at,
			COALESCE((SELECT epoch FROM {t}_sid WHERE sid = $2), 0), COALESCE((SELECT revoked_at FROM {t}_sid WHERE sid = $2), 0)
			FROM {t}_state e, {t}_user u WHERE e.one = 1 AND u.user_id = $1`),
		others: sql(`SELECT id, last_seen FROM {t} WHERE ` + live + ` AND user_id = $2 ORDER BY created_at, id`),
		insert: sql(`INSERT INTO {t} (id, hash, user_id, sid, org_id, version, epoch, user_epoch, sid_epoch, revoked, created_at,
			rotated_at, last_seen, idle_at, expires_at, methods, user_agent, ip, csrf, payload)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`),

		replace: sql(`UPDATE {t} SET hash = $2, version = $3, rotated_at = $4, last_seen = $5, idle_at = $6,
			expires_at = $7, methods = $8, user_agent = $9, ip = $10, csrf = $11, payload = $12
			WHERE hash = $13 AND version = $14 AND ` + live),
		endOld:  sql(`UPDATE {t}_old SET until = $2 WHERE id = $1 AND until > $2`),
		keepOld: sql(`INSERT INTO {t}_old (hash, id, until) VALUES ($1, $2, $3)`),

		lockHash:    sql(locked + ` AND hash = $2 {lock}`),
		lockOldHash: sql(locked + ` AND id = (SELECT id FROM {t}_old WHERE hash = $2) {lock}`),
		lockID:      sql(locked + ` AND user_id = $2 AND id = $3 {lock}`),
		lockAll:     sql(locked + ` AND user_id = $2 {lock}`),
		lockOthers:  sql(locked + ` AND user_id = $2 AND id <> $3 {lock}`),
		lockShared:  sql(locked + ` AND sid = $2 {lock}`),

		oneBefore:    sql(before + ` AND hash = $2 AND rotated_at >= $3`),
		oldBefore:    sql(before + ` AND id = (SELECT id FROM {t}_old WHERE hash = $2) AND rotated_at >= $3`),
		idBefore:     sql(before + ` AND user_id = $2 AND id = $3 AND rotated_at >= $4`),
		othersBefore: sql(before + ` AND user_id = $2 AND id <> $3 AND rotated_at >= $4`),

		markUser:     sql(`UPDATE {t}_user` + grow + ` WHERE user_id = $1`),
		markSID:      sql(`UPDATE {t}_sid` + grow + ` WHERE sid = $1`),
		markEveryone: sql(`UPDATE {t}_state SET epoch = $1, revoked_at = CASE WHEN revoked_at < $2 THEN $2 ELSE revoked_at END WHERE one = 1`),
		forgetOld:    sql(`DELETE FROM {t}_old WHERE id IN (SELECT id FROM {t} WHERE user_id = $1)`),
		forget:       sql(`DELETE FROM {t} WHERE user_id = $1`),
		forgetMark:   sql(`DELETE FROM {t}_user WHERE user_id = $1`),
		supersede:    sql(`UPDATE {t} SET revoked = 2, rotated_at = $2 WHERE id = $1`),

		see:      sql(`INSERT INTO {t}_seen (id, until) VALUES ($1, $2) {ignore id}`),
		used:     sql(`SELECT 1 FROM {t}_seen WHERE id = $1 AND until > $2`),
		seeAgain: sql(`UPDATE {t}_seen SET until = $2 WHERE id = $1 AND until <= $3`),

		enqueue: sql(`INSERT INTO {t}_outbox (id, sid, user_id, attempts, created_at, due) VALUES ($1, $2, $3, $4, $5, $6)
			{ignore id}`),
		due:   sql(`SELECT id, sid, user_id, attempts + 1, created_at FROM {t}_outbox WHERE due <= $1 ORDER BY due, id LIMIT $2 {lock}`),
		retry: sql(`UPDATE {t}_outbox SET due = $2 WHERE id = $1`),
		done:  sql(`DELETE FROM {t}_outbox WHERE id = $1`),
	}
}
