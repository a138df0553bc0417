package sqlsession

// Times are milliseconds since 1970. Epochs are random; a session is dead when one
// of its three is not what everyone, its user or its SID has now, or has none. No index has a column that a touch changes,
// so that Postgres can update in place (HOT).
const schema = `
TABLE {t} (
	id {key} NOT NULL PRIMARY KEY,
	hash {bytes} NOT NULL UNIQUE,
	user_id {key} NOT NULL, sid {key} NOT NULL, org_id {key} NOT NULL, version BIGINT NOT NULL, revoked BIGINT NOT NULL,
	epoch BIGINT NOT NULL, user_epoch BIGINT NOT NULL, sid_epoch BIGINT NOT NULL,
	created_at BIGINT NOT NULL, rotated_at BIGINT NOT NULL, last_seen BIGINT NOT NULL, idle_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL, methods {text} NOT NULL, user_agent {text} NOT NULL, ip {text} NOT NULL,
	csrf {blob} NOT NULL, payload {blob},
	INDEX _by_user (user_id),
	INDEX _by_sid (sid) WHERE sid <> ''
);
TABLE {t}_old (
	hash {bytes} NOT NULL PRIMARY KEY, id {key} NOT NULL, until BIGINT NOT NULL,
	INDEX _by_id (id)
);
TABLE {t}_user (user_id {key} NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL, revoked_at BIGINT NOT NULL, keep_until BIGINT NOT NULL);
TABLE {t}_sid (sid {key} NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL, revoked_at BIGINT NOT NULL, keep_until BIGINT NOT NULL);
TABLE {t}_state (one BIGINT NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL, revoked_at BIGINT NOT NULL);
INSERT INTO {t}_state (one, epoch, revoked_at) SELECT 1, 0, 0 FROM (SELECT COUNT(*) AS n FROM {t}_state) AS c WHERE c.n = 0;
TABLE {t}_seen (id {key} NOT NULL PRIMARY KEY, until BIGINT NOT NULL);
TABLE {t}_outbox (
	id {key} NOT NULL PRIMARY KEY, sid {key} NOT NULL, user_id {key} NOT NULL, attempts BIGINT NOT NULL,
	created_at BIGINT NOT NULL, due BIGINT NOT NULL,
	INDEX _by_due (due)
)`
