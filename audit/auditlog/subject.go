package auditlog

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/lru"
	"github.com/auth0kit/auth0kit/internal/seal"
)

// Kinds of the records about subjects: by the HMAC of their id, the pseudonym, or
// tombstone once they are forgotten; and by pseudonym, the wrapped key.
const (
	kindSubject = "subject"
	kindKey     = "key"
)

// tombstone is the pseudonym of who is forgotten.
const tombstone = "-"

const pseudonymPrefix = "p_"

// keyLife is how long a process seals with a key that it read: for so much time it may
// seal under a key that another process has destroyed, which nobody can open.
const keyLife = time.Minute

// maxKeys bounds the cache: some 20 MB.
const maxKeys = 16384

// subject is whose key seals.
type subject struct {
	pseudonym string
	aead      cipher.AEAD
	tagKey    []byte
}

func newSubject(pseudonym string, key []byte) (*subject, error) {
	derive := func(use string) ([]byte, error) {
		return hkdf.Key(sha256.New, key, nil, "auth0kit/audit subject "+use+" v1", 32)
	}
	secret, err1 := derive("seal")
	tag, err2 := derive("tag")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &subject{pseudonym: pseudonym, aead: aead, tagKey: tag}, err
}

// bound ties a box to its event, organization and subject: elsewhere it does not open.
func (s *subject) bound(id, org string) []byte {
	return []byte(id + "\x00" + s.pseudonym + "\x00" + org)
}

func (s *subject) seal(id, org string, v *secrets) (box, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return box{}, fmt.Errorf("auditlog: event is not encodable: %w", err)
	}
	return box{Subject: s.pseudonym, Data: s.aead.Seal(nil, nil, plain, s.bound(id, org)), Tag: tagOf(s.tagKey, plain)}, nil
}

var errBox = errors.New("auditlog: sealed data does not open: edited, or Seal.Keys are of another log")

func (s *subject) open(id, org string, b box) (*secrets, error) {
	plain, err := s.aead.Open(nil, nil, b.Data, s.bound(id, org))
	if err != nil || !hmac.Equal(b.Tag, tagOf(s.tagKey, plain)) {
		return nil, errBox
	}
	var v secrets
	if err := json.Unmarshal(plain, &v); err != nil {
		return nil, errBox
	}
	return &v, nil
}

// subjects finds and makes keys, and keeps those that were used of late.
type subjects struct {
	store driver.Store
	ring  *seal.Ring

	cache   *lru.Cache[audit.Ref, cached]
	creates committer[[]newSubjectKey]
}

type cached struct {
	*subject
	until time.Time
}

// get returns the key of every ref. Who has none gets one; who is forgotten gets
// one that nobody keeps, under a new pseudonym each time.
func (s *subjects) get(ctx context.Context, index []byte, refs []audit.Ref) (map[audit.Ref]*subject, error) {
	found, missing := s.cachedOf(refs)
	for range 10 {
		if len(missing) == 0 {
			return found, nil
		}
		got, err := s.load(ctx, index, missing)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, got)
		missing = slices.DeleteFunc(missing, func(r audit.Ref) bool { return got[r] != nil })
		if len(missing) == 0 {
			return found, nil
		}
		fresh, err := s.make(index, missing)
		if err != nil {
			return nil, err
		}
		// A conflict: another process made one of them. Whoever was first is loaded.
		if err := s.creates.do(ctx, fresh); err != nil && !errors.Is(err, driver.ErrConflict) {
			return nil, fmt.Errorf("auditlog: making keys of subjects: %w", err)
		}
	}
	return nil, errors.New("auditlog: making keys of subjects: other processes were faster ten times")
}

func (s *subjects) cachedOf(refs []audit.Ref) (found map[audit.Ref]*subject, missing []audit.Ref) {
	found = make(map[audit.Ref]*subject, len(refs))
	now := time.Now()
	for _, r := range refs {
		if c, ok := s.cache.Get(r); ok && now.Before(c.until) {
			found[r] = c.subject
		} else if !slices.Contains(missing, r) {
			missing = append(missing, r)
		}
	}
	return found, missing
}

// lookup is the key under which a subject is found: an HMAC, because ids can be
// guessed.
func lookup(index []byte, r audit.Ref) string {
	return hex.EncodeToString(tagOf(index, []byte(r.Kind+":"+r.ID)))
}

// load returns the subjects that the store knows. Who is forgotten gets a key of
// the moment.
func (s *subjects) load(ctx context.Context, index []byte, refs []audit.Ref) (map[audit.Ref]*subject, error) {
	names, err := s.pseudonyms(ctx, index, refs)
	if err != nil {
		return nil, err
	}
	keys, err := s.open(ctx, slices.Collect(maps.Values(names)))
	if err != nil {
		return nil, err
	}
	found := make(map[audit.Ref]*subject)
	for r, name := range names {
		if key := keys[name]; key != nil {
			found[r] = key
			s.cache.Put(r, cached{key, time.Now().Add(keyLife)})
		} else if found[r], _, err = s.fresh(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// pseudonyms returns those of the refs that are known: tombstone once forgotten.
func (s *subjects) pseudonyms(ctx context.Context, index []byte, refs []audit.Ref) (map[audit.Ref]string, error) {
	byKey := make(map[string]audit.Ref, len(refs))
	for _, r := range refs {
		byKey[lookup(index, r)] = r
	}
	records, err := s.store.Get(ctx, kindSubject, slices.Collect(maps.Keys(byKey))...)
	if err != nil {
		return nil, fmt.Errorf("auditlog: reading subjects: %w", err)
	}
	names := make(map[audit.Ref]string, len(records))
	for _, r := range records {
		names[byKey[r.Key]] = string(r.Value)
	}
	return names, nil
}

// open returns the keys of pseudonyms that are not destroyed.
func (s *subjects) open(ctx context.Context, pseudonyms []string) (map[string]*subject, error) {
	pseudonyms = slices.DeleteFunc(pseudonyms, func(p string) bool { return p == tombstone })
	if len(pseudonyms) == 0 {
		return nil, nil
	}
	records, err := s.store.Get(ctx, kindKey, pseudonyms...)
	if err != nil {
		return nil, fmt.Errorf("auditlog: reading keys of subjects: %w", err)
	}
	keys := make(map[string]*subject, len(records))
	for _, r := range records {
		key, err := s.ring.Open(r.Value, []byte(r.Key))
		if err != nil {
			return nil, fmt.Errorf("auditlog: Seal.Keys do not open a subject's key: %w", err)
		}
		if keys[r.Key], err = newSubject(r.Key, key); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// newSubjectKey is what is stored of a new subject.
type newSubjectKey struct {
	lookup, pseudonym string
	wrapped           []byte
}

// create stores the keys of subjects that are seen for the first time. Of two
// callers that bring the same one the first wins.
func (s *subjects) create(ctx context.Context, all [][]newSubjectKey) error {
	seen := make(map[string]bool)
	var writes []driver.Write
	for _, k := range slices.Concat(all...) {
		if !seen[k.lookup] {
			seen[k.lookup] = true
			writes = append(writes, driver.Write{Kind: kindSubject, Key: k.lookup, Value: []byte(k.pseudonym)},
				driver.Write{Kind: kindKey, Key: k.pseudonym, Value: k.wrapped})
		}
	}
	return s.store.Append(ctx, driver.Batch{Writes: writes})
}

// make makes the keys that are missing.
func (s *subjects) make(index []byte, refs []audit.Ref) ([]newSubjectKey, error) {
	made := make([]newSubjectKey, len(refs))
	for i, r := range refs {
		sub, key, err := s.fresh()
		if err != nil {
			return nil, err
		}
		made[i] = newSubjectKey{lookup(index, r), sub.pseudonym, s.ring.Seal(key, []byte(sub.pseudonym))}
	}
	return made, nil
}

func (s *subjects) fresh() (*subject, []byte, error) {
	key := make([]byte, 32)
	rand.Read(key)
	sub, err := newSubject(pseudonymPrefix+rand.Text(), key)
	return sub, key, err
}
