package core

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

func sample() driver.Record {
	at := time.UnixMilli(1795521600123).UTC()
	return driver.Record{
		ID: strings.Repeat("A", idSize), UserID: "auth0|1", SID: "sid", Version: 3, CreatedAt: at, RotatedAt: at, LastSeen: at,
		IdleAt: at.Add(time.Hour), ExpiresAt: at.Add(2 * time.Hour), Methods: []driver.Method{{Name: "pwd", At: at}},
		Device: driver.Device{UserAgent: "ua", IP: "::1"}, Payload: []byte{0, 1, 2},
	}
}

func TestCodecRefuses(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*driver.Record){
		func(r *driver.Record) { r.ID = "short" },
		func(r *driver.Record) { r.UserID = strings.Repeat("x", 1<<16) },
	} {
		r := sample()
		change(&r)
		if _, err := encode(&r); err == nil {
			t.Error("encode takes what it cannot write")
		}
	}
	value, err := encode(new(sample()))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(value) - len(sample().Payload) {
		if _, err := decode(value[:n:n], driver.Key{}); err == nil {
			t.Fatalf("decode takes the first %d of %d bytes", n, len(value))
		}
	}
}

// FuzzDecode: what lies in Redis never panics, and what decodes encodes to itself.
func FuzzDecode(f *testing.F) {
	value, err := encode(new(sample()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add([]byte{})
	f.Add([]byte("L"))
	f.Add(append([]byte("A"), value[1:80]...))
	f.Add(append([]byte("R"), value[1:112]...))
	f.Fuzz(func(t *testing.T, v []byte) {
		decodeDead(v)
		r, err := decode(v, driver.Key{})
		if err != nil {
			return
		}
		again, err := encode(&r)
		if err != nil {
			t.Skip("an id that no Manager makes")
		}
		back, err := decode(again, driver.Key{})
		if err != nil || !reflect.DeepEqual(r, back) {
			t.Fatalf("%+v became %+v, %v", r, back, err)
		}
	})
}
