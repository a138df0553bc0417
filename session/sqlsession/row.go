package sqlsession

import (
	"database/sql"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// row is a session as it lies in the main table.
type row struct {
	id, userID, sid, orgID, methods, userAgent, ip    string
	hash, csrf, payload                               []byte
	version, revoked, current                         int64
	createdAt, rotatedAt, lastSeen, idleAt, expiresAt int64
	replaced                                          bool  // found by a key that was replaced
	until                                             int64 // which works until then
}

// scan reads the columns, and more.
func (r *row) scan(rows *sql.Rows, more ...any) error {
	return rows.Scan(append([]any{
		&r.id, &r.hash, &r.userID, &r.sid, &r.orgID, &r.version, &r.createdAt, &r.rotatedAt, &r.lastSeen, &r.idleAt,
		&r.expiresAt, &r.methods, &r.userAgent, &r.ip, &r.csrf, &r.revoked, &r.current,
	}, more...)...)
}

// What revoked says.
const (
	isRevoked    = 1
	isSuperseded = 2 // its user has signed in again, at rotatedAt
)

// gone returns why the session is not live, with what may be told about it, and the
// whole record when it is or has expired.
func (r *row) gone(now time.Time) (driver.Record, error) {
	out := r.record()
	ids := driver.Record{ID: r.id, UserID: r.userID}
	switch {
	case r.revoked == isRevoked || r.revoked == 0 && r.current == 0:
		return ids, driver.ErrRevoked
	case r.replaced && now.UnixMilli() >= r.until:
		ids.RotatedAt = fromMillis(r.until)
		return ids, driver.ErrReplaced
	case r.revoked == isSuperseded:
		ids.RotatedAt = fromMillis(r.rotatedAt)
		return ids, driver.ErrReplaced
	case out.Expired(now):
		return out, driver.ErrExpired
	}
	return out, nil
}

func (r *row) record() driver.Record {
	out := driver.Record{
		Key: driver.KeyOf(r.userID, r.sid), ID: r.id, UserID: r.userID, SID: r.sid, OrgID: r.orgID, Version: r.version,
		CreatedAt: fromMillis(r.createdAt), RotatedAt: fromMillis(r.rotatedAt), LastSeen: fromMillis(r.lastSeen),
		IdleAt: fromMillis(r.idleAt), ExpiresAt: fromMillis(r.expiresAt), Methods: methodsOf(r.methods),
		Device: driver.Device{UserAgent: r.userAgent, IP: r.ip},
	}
	copy(out.Key.Hash[:], r.hash)
	copy(out.CSRF[:], r.csrf)
	if len(r.payload) > 0 {
		out.Payload = r.payload
	}
	return out
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// methodsText is each method as its time, a colon and its name, with spaces
// between: names have none.
func methodsText(methods []driver.Method) string {
	var b strings.Builder
	for i, m := range methods {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatInt(m.At.UnixMilli(), 10) + ":" + m.Name)
	}
	return b.String()
}

func methodsOf(text string) []driver.Method {
	var methods []driver.Method
	for entry := range strings.FieldsSeq(text) {
		ms, name, _ := strings.Cut(entry, ":")
		at, err := strconv.ParseInt(ms, 10, 64)
		if err != nil {
			continue
		}
		methods = append(methods, driver.Method{Name: name, At: fromMillis(at)})
	}
	return methods
}
