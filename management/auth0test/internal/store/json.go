package store

import (
	"maps"
	"slices"
	"time"
)

func AnyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func OrEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func OrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Document is a JSON object of a resource: seeded from Go or read from JSON.
type Document map[string]any

func (d Document) Text(name string) string { s, _ := d[name].(string); return s }

func (d Document) Flag(name string) bool { b, _ := d[name].(bool); return b }

func (d Document) Texts(name string) []string {
	if list, ok := d[name].([]string); ok {
		return slices.Clone(list)
	}
	return StringsOf(d[name])
}

func (d Document) Sub(name string) Document {
	m, _ := d[name].(map[string]any)
	return m
}

func (d Document) Number(name string) float64 {
	switch n := d[name].(type) {
	case float64:
		return n
	case int:
		return float64(n)
	}
	return 0
}

func (d Document) Seconds(name string) time.Duration {
	return time.Duration(d.Number(name) * float64(time.Second))
}

func StringsOf(v any) []string {
	items, _ := v.([]any)
	out := make([]string, 0, len(items))
	for _, i := range items {
		if s, ok := i.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Objects are the objects of an array.
func Objects(v any) []map[string]any {
	items, _ := v.([]any)
	out := make([]map[string]any, 0, len(items))
	for _, i := range items {
		m, _ := i.(map[string]any)
		out = append(out, m)
	}
	return out
}

// DeepCopy copies a JSON value.
func DeepCopy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[k] = DeepCopy(x)
		}
		return m
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = DeepCopy(x)
		}
		return out
	}
	return v
}

// Defaults sets the keys that are not there.
func Defaults(m, values map[string]any) {
	for k, v := range values {
		if _, has := m[k]; !has {
			m[k] = v
		}
	}
}

func Minus(all, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(gone, id) })
}

// Pick returns the properties of some names that are there.
func Pick(m map[string]any, names ...string) map[string]any {
	out := map[string]any{}
	for _, name := range names {
		if v, has := m[name]; has {
			out[name] = v
		}
	}
	return out
}

// Put sets a key unless the value is empty.
func Put(m map[string]any, key, value string) {
	if value != "" {
		m[key] = value
	}
}

// PutTime sets a key to a time, unless that is zero.
func PutTime(m map[string]any, key string, at time.Time) {
	if !at.IsZero() {
		m[key] = Stamp(at)
	}
}

// MergedCopy returns old with more on top; readers may go on with old.
func MergedCopy(old, more map[string]any) map[string]any {
	if len(more) == 0 {
		return old
	}
	m := OrEmpty(Clone(old))
	maps.Copy(m, more)
	return m
}

// Merged returns old with more on top, also inside of the objects of some names.
func Merged(old, more map[string]any, inside []string) map[string]any {
	m := OrEmpty(Clone(old))
	maps.Copy(m, more)
	for _, name := range inside {
		before, _ := old[name].(map[string]any)
		if changes, is := more[name].(map[string]any); is {
			m[name] = MergedCopy(before, changes)
		}
	}
	return m
}

// Patched is Merged, but null takes a key away.
func Patched(old, more map[string]any, inside ...string) map[string]any {
	m := Merged(old, more, inside)
	for k, v := range more {
		if v == nil {
			delete(m, k)
		}
	}
	return m
}

// Stamp writes a time as Auth0 does: UTC, milliseconds.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Clone copies a document's first level.
func Clone(m map[string]any) map[string]any { return maps.Clone(m) }

func Union[T comparable](a, b []T) []T {
	out := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
