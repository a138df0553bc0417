package migration

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/auth0kit/auth0kit/internal/usershape"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Prepare applies Fields and Map to a record and checks it against Auth0's rules
// and the options of the connection, as Runner and lazy do; c may be nil for a
// connection as Auth0 makes it. The error is a *[Problem]. What rec refers to is
// copied before it is changed: a source may hold it and give it out again.
func (r Run) Prepare(rec *Record, c *resource.Connection) error {
	var options map[string]any
	if c != nil {
		options = c.Options
	}
	if p := r.prepare(rec, usershape.Read(options)); p != nil {
		return p
	}
	return nil
}

func (r Run) prepare(rec *Record, c usershape.Connection) *Problem {
	if rec.Problem != nil {
		return rowProblem(rec)
	}
	if r.KeyPrefix == "" && strings.HasPrefix(rec.Key, provider) || rec.Key == "" {
		return &Problem{Key: rec.Key, Class: Invalid, Rule: RuleKey, Path: "user_id"}
	}
	r.Fields.apply(rec, c)
	if r.Map != nil {
		key := rec.Key
		rec.own()
		if err := r.Map(rec); err != nil {
			return &Problem{Key: key, Class: Invalid, Rule: RuleMap, Code: err.Error()}
		}
		if rec.Key != key {
			return &Problem{Key: key, Class: Invalid, Rule: RuleMap, Path: "user_id", Code: "Run.Map changed the key"}
		}
	}
	v, ok := c.Check(shapeOf(r, rec))
	if !ok {
		return &Problem{Key: rec.Key, Class: Invalid, Rule: ruleOf(v), Path: v.Path, Code: v.Code}
	}
	if _, taken := rec.AppMetadata[markerKey]; taken {
		return &Problem{Key: rec.Key, Class: Invalid, Rule: RuleMetadata, Path: "app_metadata", Code: usershape.NotPassed}
	}
	return nil
}

// own copies maps and slices for Run.Map.
func (r *Record) own() {
	r.AppMetadata, r.UserMetadata = maps.Clone(r.AppMetadata), maps.Clone(r.UserMetadata)
	r.Memberships = slices.Clone(r.Memberships)
	for i := range r.Memberships {
		m := &r.Memberships[i]
		m.RoleIDs, m.RoleNames = slices.Clone(m.RoleIDs), slices.Clone(m.RoleNames)
	}
	for _, list := range []*[]string{&r.RoleIDs, &r.RoleNames, &r.TOTPSecrets, &r.MFAPhones, &r.MFAEmails} {
		*list = slices.Clone(*list)
	}
}

func shapeOf(r Run, rec *Record) *usershape.User {
	return &usershape.User{
		ID: r.KeyPrefix + rec.Key, Email: rec.Email, Username: rec.Username, Phone: rec.Phone, Name: rec.Name,
		GivenName: rec.GivenName, FamilyName: rec.FamilyName, Nickname: rec.Nickname, Picture: rec.Picture,
		AppMetadata: rec.AppMetadata, UserMetadata: rec.UserMetadata,
		TOTPSecrets: rec.TOTPSecrets, MFAPhones: rec.MFAPhones, MFAEmails: rec.MFAEmails,
	}
}

// apply carries the policies out.
func (f Fields) apply(r *Record, c usershape.Connection) {
	property(f.Phone, &r.Phone, usershape.Phone, f.phone)
	property(f.Username, &r.Username, c.Username, func(s string) string { return strings.ToLower(strings.TrimSpace(s)) })
	for _, n := range []struct {
		text *string
		most int
	}{{&r.Name, 300}, {&r.GivenName, 150}, {&r.FamilyName, 150}, {&r.Nickname, 300}} {
		property(f.Name, n.text, func(s string) string { return usershape.Name(s, n.most) }, func(s string) string { return readable(s, n.most) })
	}
	property(f.Name, &r.Picture, usershape.Picture, strings.TrimSpace)
	if f.Metadata != Refuse {
		r.AppMetadata = f.metadata(r.AppMetadata, usershape.AppMetadata)
		r.UserMetadata = f.metadata(r.UserMetadata, usershape.Metadata)
	}
}

func property(p FieldPolicy, value *string, check func(string) string, repair func(string) string) {
	if p == Normalize {
		*value = repair(*value)
	}
	if p != Refuse && check(*value) != "" {
		*value = ""
	}
}

// phone writes a number as E.164 where that needs no guess: 00 and the calling
// code are known, and one leading zero is the trunk prefix.
func (f Fields) phone(s string) string {
	s, _, _ = strings.Cut(strings.ToLower(s), "ext")
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r == '+':
			return r
		case strings.ContainsRune(" \t-./()\u00a0\u2009\u202f\u2010\u2011\u2013", r):
			return -1
		}
		return 'x'
	}, strings.ReplaceAll(s, "(0)", ""))
	switch {
	case s == "" || s[0] == '+':
	case strings.HasPrefix(s, "00"):
		s = "+" + s[2:]
	case f.CallingCode == "":
	case s[0] == '0':
		s = f.CallingCode + s[1:]
	default:
		s = f.CallingCode + s
	}
	return s
}

// readable is s as UTF-8 without control characters, and not too long.
func readable(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most])
	}
	return strings.TrimSpace(s)
}

// metadata drops or repairs the entries that check refuses.
func (f Fields) metadata(m map[string]any, check func(map[string]any) string) map[string]any {
	if check(m) == "" {
		return m
	}
	kept := make(map[string]any, len(m))
	for key, value := range m {
		if f.Metadata == Normalize {
			key, value = strings.NewReplacer(".", "_", "$", "_").Replace(readable(key, 300)), repaired(value)
		}
		if _, taken := kept[key]; !taken && check(map[string]any{key: value}) == "" {
			kept[key] = value
		}
	}
	return kept
}

func repaired(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ToValidUTF8(v, string(utf8.RuneError))
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = repaired(v[i])
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for key, value := range v {
			all[strings.ToValidUTF8(key, string(utf8.RuneError))] = repaired(value)
		}
		return all
	}
	return v
}
