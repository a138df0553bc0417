package core

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

var (
	errRecord = errors.New("redissession: a stored record cannot be read; was it written by another version?")
	errReply  = errors.New("redissession: Redis has answered a script with something else")
)

// encode writes the body of r, live. Scripts fill in the epochs and put the
// version in front.
func encode(r *driver.Record) ([]byte, error) {
	if len(r.ID) != idSize || len(r.UserID) > 1<<16-1 {
		return nil, errors.New("redissession: Record.ID must have 26 characters and UserID fewer than 65536")
	}
	b := make([]byte, 0, 320+len(r.UserID)+len(r.SID)+len(r.Device.UserAgent)+len(r.Payload))
	b = append(b, stateLive)
	for _, t := range []time.Time{r.LastSeen, r.IdleAt, r.ExpiresAt} {
		b = appendTime(b, t)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(r.Version))
	b = append(b, make([]byte, 3*epochSize+lengthSize)...) // epochs, and the length that is known below
	names := driver.KeyOf(r.UserID, r.SID)
	b = append(append(b, names.User[:]...), names.SID[:]...)
	b = append(b, r.ID...)
	b = appendText(appendText(b, r.UserID), r.SID)
	b = appendTime(appendTime(b, r.CreatedAt), r.RotatedAt)
	b = append(b, r.CSRF[:]...)
	b = append(b, byte(len(r.Methods)))
	for _, m := range r.Methods {
		b = appendText(appendTime(b, m.At), m.Name)
	}
	for _, text := range []string{r.OrgID, r.Device.UserAgent, r.Device.IP} {
		b = appendText(b, text)
	}
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)))
	return append(b, r.Payload...), nil
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli()))
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// decode reads the body of a live record. Its payload is a part of v; its texts are parts of
// one copy of the rest.
func decode(v []byte, k driver.Key) (driver.Record, error) {
	if len(v) < headerSize {
		return driver.Record{}, errRecord
	}
	length := int(binary.BigEndian.Uint32(v[atLength:]))
	if length > len(v) {
		return driver.Record{}, errRecord
	}
	d := decoder{rest: string(v[:length])}
	r := driver.Record{Key: k}
	d.skip(atSeen)
	r.LastSeen, r.IdleAt, r.ExpiresAt = d.time(), d.time(), d.time()
	r.Version = int64(d.uint64())
	d.skip(atID - atEpoch)
	r.ID = d.take(idSize)
	r.UserID, r.SID = d.text(), d.text()
	r.CreatedAt, r.RotatedAt = d.time(), d.time()
	copy(r.CSRF[:], d.take(len(r.CSRF)))
	if n := d.byte(); n > 0 && !d.failed {
		r.Methods = make([]driver.Method, n)
		for i := range r.Methods {
			r.Methods[i].At, r.Methods[i].Name = d.time(), d.text()
		}
	}
	r.OrgID = d.text()
	r.Device.UserAgent, r.Device.IP = d.text(), d.text()
	if d.failed || d.rest != "" {
		return driver.Record{}, errRecord
	}
	if len(v) > length {
		r.Payload = v[length:]
	}
	return r, nil
}

// decodeDead reads whose session a revoked or replaced key was.
func decodeDead(v []byte) driver.Record {
	if len(v) == 0 {
		return driver.Record{}
	}
	d := decoder{rest: string(v)}
	var r driver.Record
	if v[atState] == stateReplaced {
		d.skip(atUntil)
		r.RotatedAt = d.time()
		d.skip(atReplacedID - atNext)
	} else {
		d.skip(atID)
	}
	r.ID, r.UserID, r.SID = d.take(idSize), d.text(), d.text()
	if d.failed {
		return driver.Record{}
	}
	return r
}

// decoder reads from the front; past the end it fails and reads zeros.
type decoder struct {
	rest   string
	failed bool
}

func (d *decoder) take(n int) string {
	if n > len(d.rest) {
		d.failed, d.rest = true, ""
		return ""
	}
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out
}

func (d *decoder) skip(n int) { d.take(n) }

func (d *decoder) number(size int) uint64 {
	var n uint64
	for text := d.take(size); text != ""; text = text[1:] {
		n = n<<8 | uint64(text[0])
	}
	return n
}

func (d *decoder) byte() byte     { return byte(d.number(1)) }
func (d *decoder) uint64() uint64 { return d.number(8) }
func (d *decoder) text() string   { return d.take(int(d.number(2))) }

func (d *decoder) time() time.Time { return time.UnixMilli(int64(d.number(8))).UTC() }
