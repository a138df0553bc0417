package query

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
)

// Match evaluates a query by what it says of its leaves.
func Match(q Query, leaf func(Query) bool) bool {
	switch q := q.(type) {
	case Both:
		return Match(q.Left, leaf) && Match(q.Right, leaf)
	case Either:
		return Match(q.Left, leaf) || Match(q.Right, leaf)
	case No:
		return !Match(q.Inner, leaf)
	case Every:
		return true
	}
	return leaf(q)
}

func (q Term) Equals(v any, anyCase bool) bool {
	have, want := schema.Plain(v), q.Text
	if anyCase {
		have, want = strings.ToLower(have), strings.ToLower(want)
	}
	if q.Wild == nil {
		return have == want || sameTime(have, want)
	}
	return glob([]rune(want), q.Wild, []rune(have))
}

// sameTime compares times written differently.
func sameTime(a, b string) bool {
	ta, okA := parseTime(a)
	tb, okB := parseTime(b)
	return okA && okB && len(b) > len("2006-01-02") && ta.Equal(tb)
}

// glob matches a pattern whose marked characters stand for any text. It works
// forward and returns to the last wildcard, so it takes at most len*len steps.
func glob(pattern []rune, wild []bool, s []rune) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && p < len(wild) && wild[p]:
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && p < len(wild) && wild[p] {
		p++
	}
	return p == len(pattern)
}

// Contains compares numbers as numbers, times as times, and all else as text.
func (s Span) Contains(v any) bool {
	return s.above(v) && s.below(v)
}

func (s Span) above(v any) bool {
	if s.from == "*" {
		return true
	}
	c, comparable := Compare(v, s.from)
	return comparable && (c > 0 || c == 0 && s.fromIn)
}

func (s Span) below(v any) bool {
	if s.to == "*" {
		return true
	}
	c, comparable := Compare(v, s.to)
	return comparable && (c < 0 || c == 0 && s.toIn)
}

func Compare(v any, bound string) (int, bool) {
	if n, isNumber := v.(float64); isNumber {
		b, err := strconv.ParseFloat(bound, 64)
		return cmp.Compare(n, b), err == nil
	}
	have := schema.Plain(v)
	if a, ok := parseTime(have); ok {
		if b, ok := parseTime(bound); ok {
			return a.Compare(b), true
		}
	}
	return strings.Compare(have, bound), true
}

// parseTime reads a time or its beginning: "2018", "2018-02", "2018-02-03", …
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.000", "2006-01-02T15:04:05", "2006-01-02", "2006-01", "2006"} {
		if len(layout) >= 4 && len(s) >= 4 {
			if t, err := time.Parse(layout, s); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

func Text(s string) []any {
	if s == "" {
		return nil
	}
	return []any{s}
}

// Descend follows a path through objects and through all items of arrays, whose
// levels the path does not name. Without a path it collects every value.
func Descend(v any, path string) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []any
		for _, item := range v {
			out = append(out, Descend(item, path)...)
		}
		return out
	case map[string]any:
		return descendObject(v, path)
	case int:
		return Descend(float64(v), path)
	}
	if path != "" || v == "" {
		return nil
	}
	return []any{v}
}

func descendObject(m map[string]any, path string) []any {
	if path == "" {
		var out []any
		for _, k := range schema.SortedKeys(m) {
			out = append(out, Descend(m[k], "")...)
		}
		return out
	}
	if v, has := m[path]; has {
		return Descend(v, "")
	}
	head, rest, _ := strings.Cut(path, ".")
	return Descend(m[head], rest)
}
