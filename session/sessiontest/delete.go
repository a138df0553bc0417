package sessiontest

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
)

var deleteTests = map[string]func(*testing.T, Harness){
	"ends the session of a key":             testDeleteKey,
	"ends by an old key in its grace":       testDeleteOldKey,
	"ends by an old key after its grace":    testDeleteDeadKey,
	"ends by a key that a step-up replaced": testDeleteReplacedKey,
	"leaves a superseded key":               testSuperseded,
	"ends one of the user's by id":          testDeleteOne,
	"ends all but one":                      testDeleteOthers,
	"ends all of a user":                    testDeleteUser,
	"ends all of a SID":                     testDeleteSID,
	"ends what a key names wrongly":         testDeleteMisnamed,
	"ends everyone":                         testDeleteEveryone,
	"ends nothing without a form":           testDeleteNothing,
	"does not return what has expired":      testDeleteExpired,
	"returns again what has ended since":    testDeleteSince,
	"remembers 64 that have ended":          testDeleteSinceMany,
}

var listTests = map[string]func(*testing.T, Harness){
	"is in order and without payloads": testList,
	"has only what is live":            testListLive,
}

var valueTests = map[string]func(*testing.T, Harness){
	"binary and large payloads":        testPayloads,
	"ids with characters of all kinds": testIDs,
	"ids that no session has":          testNoIDs,
	"stores by prefix are apart":       testSibling,
}

func testDeleteKey(t *testing.T, h Harness) {
	a, b := create(t, h.Store, newRecord("u1", start)), create(t, h.Store, newRecord("u1", start))
	if ended := del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: a.Key}); !slices.Equal(ended, []driver.Ended{a.Ended()}) {
		t.Fatalf("Delete = %v", ended)
	}
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectKey, Key: a.Key}); len(ended) > 0 {
		t.Fatalf("a second Delete = %v", ended)
	}
	missing := newKey(driver.Record{UserID: "u1"})
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectKey, Key: missing}); len(ended) > 0 {
		t.Fatalf("Delete of nothing = %v", ended)
	}
	wantLoad(t, h.Again, a.Key, start, driver.ErrRevoked)
	wantLive(t, h.Again, b.Key, start)
}

func testDeleteOldKey(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	r2 := replace(t, h.Store, r.Key, rotate(r, start), driver.Grace{Now: start, Until: start.Add(time.Minute)})
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectKey, Key: r.Key}); len(ended) != 1 {
		t.Fatalf("Delete = %v", ended)
	}
	wantLoad(t, h.Store, r2.Key, start, driver.ErrRevoked)
	wantLoad(t, h.Store, r.Key, start, driver.ErrRevoked)
}

func testDeleteDeadKey(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	until := start.Add(time.Second)
	r2 := replace(t, h.Store, r.Key, rotate(r, start), driver.Grace{Now: start, Until: until})
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectKey, Key: r.Key, Now: until}); !slices.Equal(ended, []driver.Ended{r.Ended()}) {
		t.Fatalf("an old key ended %v", ended)
	}
	wantLoad(t, h.Store, r2.Key, until, driver.ErrRevoked)
}

func testDeleteReplacedKey(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	r2 := replace(t, h.Store, r.Key, rotate(r, start), driver.Grace{Now: start})
	r3 := replace(t, h.Store, r2.Key, rotate(r2, start), driver.Grace{Now: start, Until: start.Add(time.Second)})
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectKey, Key: r.Key}); !slices.Equal(ended, []driver.Ended{r.Ended()}) {
		t.Fatalf("an old key ended %v", ended)
	}
	wantLoad(t, h.Store, r3.Key, start, driver.ErrRevoked)
}

func testSuperseded(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	at := start.Add(time.Minute)
	r2 := replace(t, h.Store, r.Key, rotate(r, at), driver.Grace{Now: at, Until: at.Add(time.Second)})
	for _, now := range []time.Time{at, at.Add(time.Minute)} { // in its grace, and afterwards
		_, err := h.Again.Delete(t.Context(), driver.Selector{Form: driver.SelectSuperseded, Key: r.Key, Now: now})
		wantError(t, "Delete by an old key", err, driver.ErrReplaced)
	}
	wantLive(t, h.Store, r2.Key, at)
	now := at.Add(2 * time.Minute)
	sel := driver.Selector{Form: driver.SelectSuperseded, Key: r2.Key, Now: now}
	if ended := del(t, h.Again, sel); !slices.Equal(ended, []driver.Ended{r.Ended()}) {
		t.Fatalf("Delete = %v", ended)
	}
	got, err := peek(t, h.Store, r2.Key, now)
	wantError(t, "Load", err, driver.ErrReplaced)
	if got.ID != r.ID || got.UserID != "u1" || !got.RotatedAt.Equal(now) || got.Payload != nil {
		t.Fatalf("Load = %+v; want whose it was and since when", got)
	}
	_, err = h.Store.Delete(t.Context(), sel)
	wantError(t, "a second Delete", err, driver.ErrReplaced)
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectKey, Key: r2.Key, Now: now}); len(ended) > 0 {
		t.Fatalf("Delete = %v; the session that came is another one", ended)
	}
	missing := newKey(driver.Record{UserID: "u1"})
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectSuperseded, Key: missing}); len(ended) > 0 {
		t.Fatalf("Delete of nothing = %v", ended)
	}
	if list, err := h.Store.List(t.Context(), "u1", now); err != nil || len(list) > 0 {
		t.Fatalf("List = %v, %v", list, err)
	}
}

func testDeleteOne(t *testing.T, h Harness) {
	a, b := create(t, h.Store, newRecord("u1", start)), create(t, h.Store, newRecord("u1", start))
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectOne, UserID: "u2", ID: a.ID}); len(ended) > 0 {
		t.Fatalf("another user ended %v", ended)
	}
	wantLive(t, h.Store, a.Key, start)
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectOne, UserID: "u1", ID: a.ID}); !slices.Equal(ended, []driver.Ended{a.Ended()}) {
		t.Fatalf("Delete = %v", ended)
	}
	wantLoad(t, h.Store, a.Key, start, driver.ErrRevoked)
	wantLive(t, h.Store, b.Key, start)
}

func testDeleteOthers(t *testing.T, h Harness) {
	a, b := create(t, h.Store, newRecord("u1", start)), create(t, h.Store, newRecord("u1", start))
	other := create(t, h.Store, newRecord("u2", start))
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectOthers, UserID: "u1", ID: b.ID, Key: b.Key}); !slices.Equal(ended, []driver.Ended{a.Ended()}) {
		t.Fatalf("Delete = %v", ended)
	}
	wantLoad(t, h.Store, a.Key, start, driver.ErrRevoked)
	wantLive(t, h.Store, b.Key, start)
	wantLive(t, h.Store, other.Key, start)
}

func testDeleteUser(t *testing.T, h Harness) {
	rs := fill(t, h, "u1", 5)
	other := create(t, h.Store, newRecord("u2", start))
	now := start.Add(5 * time.Minute)
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectUser, UserID: "u1", Now: now}); len(ended) != 5 {
		t.Fatalf("Delete = %v", ended)
	}
	for _, r := range rs {
		wantLoad(t, h.Store, r.Key, now, driver.ErrRevoked)
	}
	wantLive(t, h.Store, other.Key, now)
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectUser, UserID: "u1", Now: now}); len(ended) > 0 {
		t.Fatalf("a second Delete = %v", ended)
	}
}

func testDeleteSID(t *testing.T, h Harness) {
	a, b, c := newRecord("u1", start), newRecord("u1", start), newRecord("u2", start)
	a, b, c = withSID(a, "shared"), withSID(b, "own"), withSID(c, "shared")
	for _, r := range []driver.Record{a, b, c} {
		create(t, h.Store, r)
	}
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectSID, SID: "shared"}); len(ended) != 2 {
		t.Fatalf("Delete = %v", ended)
	}
	wantLoad(t, h.Store, a.Key, start, driver.ErrRevoked)
	wantLoad(t, h.Store, c.Key, start, driver.ErrRevoked)
	wantLive(t, h.Store, b.Key, start)
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectSID, SID: "unknown"}); len(ended) > 0 {
		t.Fatalf("Delete of nothing = %v", ended)
	}
}

// testDeleteMisnamed: a client who names another user or SID, or none, gains nothing.
func testDeleteMisnamed(t *testing.T, h Harness) {
	for _, sel := range []driver.Selector{{Form: driver.SelectUser, UserID: "u1"}, {Form: driver.SelectSID, SID: "mine"}} {
		r := create(t, h.Store, withSID(newRecord("u1", start), "mine"))
		others := create(t, h.Store, withSID(newRecord("u2", start), "yours"))
		names := []driver.Key{driver.KeyOf("u1", "yours"), driver.KeyOf("u1", ""), driver.KeyOf("u2", "mine"), others.Key}
		sameTag := driver.KeyOf("u1", "mine")
		sameTag.User[15]++
		names = append(names, sameTag)
		del(t, h.Again, sel)
		for _, k := range names {
			k.Hash = r.Key.Hash
			wantLoad(t, h.Store, k, start, driver.ErrRevoked, driver.ErrNone)
		}
		wantLive(t, h.Store, others.Key, start)
	}
}

func testDeleteEveryone(t *testing.T, h Harness) {
	var rs []driver.Record
	for _, user := range []string{"u1", "u2", "u3", "u4", "u5"} {
		rs = append(rs, create(t, h.Store, newRecord(user, start)))
	}
	renewed := rotate(rs[0], start)
	replace(t, h.Store, rs[0].Key, renewed, driver.Grace{Now: start, Until: start.Add(time.Minute)})
	del(t, h.Again, driver.Selector{Form: driver.SelectEveryone})
	for _, r := range append(rs, renewed) {
		wantLoad(t, h.Store, r.Key, start, driver.ErrRevoked, driver.ErrNone)
		err := h.Store.Replace(t.Context(), r.Key, next(r, start), driver.Grace{Now: start})
		wantError(t, "Replace", err, driver.ErrRevoked, driver.ErrNone)
	}
	if list, err := h.Store.List(t.Context(), "u1", start); err != nil || len(list) > 0 {
		t.Fatalf("List = %v, %v", list, err)
	}
	r := create(t, h.Store, newRecord("u1", start)) // life goes on
	wantLive(t, h.Again, r.Key, start)
}

func testDeleteNothing(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	for _, sel := range []driver.Selector{
		{}, {UserID: "u1"}, {Form: driver.SelectEveryone + 1, UserID: "u1"}, {Form: driver.SelectKey}, {Form: driver.SelectSuperseded},
		{Form: driver.SelectOne, UserID: "u1"}, {Form: driver.SelectOne, ID: r.ID}, {Form: driver.SelectOthers, UserID: "u1", ID: r.ID},
		{Form: driver.SelectOthers, UserID: "u1", Key: r.Key}, {Form: driver.SelectUser, ID: r.ID}, {Form: driver.SelectSID, UserID: "u1"},
	} {
		sel.Now = start
		_, err := h.Store.Delete(t.Context(), sel)
		wantError(t, "Delete", err, driver.ErrSelector)
	}
	wantLive(t, h.Again, r.Key, start)
}

func testDeleteExpired(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	for _, sel := range []driver.Selector{
		{Form: driver.SelectKey, Key: r.Key}, {Form: driver.SelectOne, UserID: "u1", ID: r.ID}, {Form: driver.SelectUser, UserID: "u1"},
		{Form: driver.SelectSID, SID: r.SID}, {Form: driver.SelectSuperseded, Key: r.Key},
	} {
		sel.Now = r.IdleAt
		if ended := del(t, h.Store, sel); len(ended) > 0 {
			t.Fatalf("Delete returned %v, which had expired", ended)
		}
	}
}

// testDeleteSince: who was not told of what has ended can ask again.
func testDeleteSince(t *testing.T, h Harness) {
	at := start.Add(10 * time.Minute)
	own := create(t, h.Store, newRecord("u1", start))
	byKey, byOldKey, byID, byUser := newRecord("u1", start), newRecord("u1", start), newRecord("u1", start), newRecord("u1", start)
	quiet, early, other := newRecord("u1", start), newRecord("u1", start), newRecord("u2", start)
	for _, r := range []driver.Record{byKey, byOldKey, byID, byUser, quiet, early, other} {
		create(t, h.Store, r)
	}
	del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: early.Key, Now: at.Add(-time.Millisecond)})
	del(t, h.Store, driver.Selector{Form: driver.SelectSuperseded, Key: quiet.Key, Now: at})
	replaced := replace(t, h.Store, byOldKey.Key, rotate(byOldKey, at), driver.Grace{Now: at})
	del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: byKey.Key, Now: at})
	del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: replaced.Key, Now: at})
	del(t, h.Store, driver.Selector{Form: driver.SelectOne, UserID: "u1", ID: byID.ID, Now: at})
	del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: other.Key, Now: at})

	since := driver.Selector{Now: at.Add(10 * time.Minute), Since: at}
	again := func(sel driver.Selector, ended []driver.Record, before ...driver.Record) {
		t.Helper()
		sel.Now, sel.Since = since.Now, since.Since
		var want []driver.Ended
		for _, r := range ended {
			want = append(want, r.Ended())
		}
		for _, r := range before {
			e := r.Ended()
			e.Before = true
			want = append(want, e)
		}
		got := del(t, h.Again, sel)
		order := func(a, b driver.Ended) int { return strings.Compare(a.ID, b.ID) }
		slices.SortFunc(got, order)
		slices.SortFunc(want, order)
		if !slices.Equal(got, want) {
			t.Fatalf("Delete(%+v) = %v, want %v", sel, got, want)
		}
	}
	again(driver.Selector{Form: driver.SelectKey, Key: byKey.Key}, nil, byKey)
	again(driver.Selector{Form: driver.SelectKey, Key: byOldKey.Key}, nil, byOldKey)
	again(driver.Selector{Form: driver.SelectKey, Key: quiet.Key}, nil)
	again(driver.Selector{Form: driver.SelectKey, Key: early.Key}, nil)
	again(driver.Selector{Form: driver.SelectOne, UserID: "u1", ID: byID.ID}, nil, byID)
	again(driver.Selector{Form: driver.SelectOne, UserID: "u2", ID: byID.ID}, nil)
	again(driver.Selector{Form: driver.SelectOne, UserID: "u1", ID: early.ID}, nil)
	again(driver.Selector{Form: driver.SelectOthers, UserID: "u1", ID: own.ID, Key: own.Key}, []driver.Record{byUser}, byKey, byOldKey, byID)
	again(driver.Selector{Form: driver.SelectOthers, UserID: "u1", ID: own.ID, Key: own.Key}, nil, byKey, byOldKey, byID, byUser)
	again(driver.Selector{Form: driver.SelectUser, UserID: "u1"}, []driver.Record{own})
	wantLoad(t, h.Store, byKey.Key, since.Now, driver.ErrRevoked)
}

func testDeleteSinceMany(t *testing.T, h Harness) {
	for range 64 {
		r := newRecord("u1", start)
		if _, err := h.Store.Create(t.Context(), r, driver.Limit{Now: start, Bound: start, Max: 1}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := h.Store.List(t.Context(), "u1", start)
	if err != nil || len(list) != 1 {
		t.Fatalf("List = %v, %v", list, err)
	}
	sel := driver.Selector{Form: driver.SelectOthers, UserID: "u1", ID: "none", Key: list[0].Key, Since: start}
	if ended := del(t, h.Again, sel); len(ended) != 64 {
		t.Fatalf("Delete returned %d of 64: one now, the others had made room", len(ended))
	}
}

func testList(t *testing.T, h Harness) {
	if list, err := h.Store.List(t.Context(), "nobody", start); err != nil || len(list) > 0 {
		t.Fatalf("List of nobody = %v, %v", list, err)
	}
	rs := fill(t, h, "u1", 4)
	create(t, h.Store, newRecord("u2", start))
	list, err := h.Again.List(t.Context(), "u1", start.Add(5*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	for i := range rs {
		rs[i].Payload = nil
	}
	if !reflect.DeepEqual(list, rs) {
		t.Fatalf("List =\n%+v, want\n%+v", list, rs)
	}
}

func testListLive(t *testing.T, h Harness) {
	rs := fill(t, h, "u1", 3)
	del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: rs[1].Key})
	list, err := h.Again.List(t.Context(), "u1", rs[0].IdleAt)
	if err != nil || len(list) != 1 || list[0].ID != rs[2].ID {
		t.Fatalf("List = %v, %v; one has expired and one is revoked", list, err)
	}
}

func testPayloads(t *testing.T, h Harness) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, payload := range [][]byte{all, bytes.Repeat(all, driver.MaxPayload/len(all)), {0}} {
		r := newRecord("u1", start)
		r.Payload = payload
		create(t, h.Store, r)
		if got := wantLive(t, h.Again, r.Key, start); !bytes.Equal(got.Payload, payload) {
			t.Fatalf("a payload of %d bytes came back as %d others", len(payload), len(got.Payload))
		}
	}
}

func testIDs(t *testing.T, h Harness) {
	ids := []string{
		"auth0|5f7c", "auth0|%", "auth0|_", "a{b}c", "oidc|ü|日本", `back\slash`, `quote'"`, "a:b", "a b", "*", "[a]", "?",
		strings.Repeat("x", 255),
	}
	var rs []driver.Record
	for _, id := range ids {
		r := withSID(newRecord(id, start), "sid "+id[:min(len(id), 200)])
		rs = append(rs, create(t, h.Store, r))
	}
	for i, r := range rs {
		list, err := h.Again.List(t.Context(), r.UserID, start)
		if err != nil || len(list) != 1 || list[0].UserID != ids[i] {
			t.Fatalf("List(%q) = %+v, %v", r.UserID, list, err)
		}
		sel := driver.Selector{Form: driver.SelectUser, UserID: r.UserID}
		if i%2 == 1 {
			sel = driver.Selector{Form: driver.SelectSID, SID: r.SID}
		}
		if ended := del(t, h.Store, sel); !slices.Equal(ended, []driver.Ended{r.Ended()}) {
			t.Fatalf("Delete(%+v) = %v, want only its own", sel, ended)
		}
	}
}

// testNoIDs: what a store could not keep, or would take for everything, is refused
// before it is asked, alike for all.
func testNoIDs(t *testing.T, h Harness) {
	clock := NewClock(start)
	m, _ := managers(t, h, clock)
	token, s := login(t, m, session.Login{UserID: "u1", SID: "sid1", AuthTime: start})
	for _, id := range []string{"", "a\x00b", "\x00", "\xff", "a\xc3", "a\nb", strings.Repeat("x", 256)} {
		_, list := m.List(t.Context(), id)
		_, _, creates := m.Create(t.Context(), session.Login{UserID: id, AuthTime: start})
		for verb, err := range map[string]error{
			"RevokeID": m.RevokeID(t.Context(), "u1", id), "RevokeID of nobody": m.RevokeID(t.Context(), id, s.ID),
			"RevokeUser": m.RevokeUser(t.Context(), id), "RevokeSID": m.RevokeSID(t.Context(), id), "List": list, "Create": creates,
		} {
			if err == nil || errors.Is(err, session.ErrUnavailable) || dead(err) {
				t.Errorf("%s with %q = %v; want an error about the id", verb, id, err)
			}
		}
		if _, err := m.Validate(t.Context(), token); err != nil {
			t.Fatalf("after %q: %v", id, err)
		}
	}
	login(t, m, session.Login{UserID: "u1", SID: "sid1", AuthTime: start.Add(-time.Hour)}) // nobody is marked
}

func testSibling(t *testing.T, h Harness) {
	if h.Sibling == nil {
		t.Skip("the harness has no Sibling")
	}
	r := create(t, h.Store, newRecord("u1", start))
	wantLoad(t, h.Sibling, r.Key, start, driver.ErrNone)
	del(t, h.Sibling, driver.Selector{Form: driver.SelectUser, UserID: "u1"})
	del(t, h.Sibling, driver.Selector{Form: driver.SelectSID, SID: r.SID})
	del(t, h.Sibling, driver.Selector{Form: driver.SelectEveryone})
	wantLive(t, h.Store, r.Key, start)
	if list, err := h.Sibling.List(t.Context(), "u1", start); err != nil || len(list) > 0 {
		t.Fatalf("List = %v, %v", list, err)
	}
}
