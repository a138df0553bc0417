package schema

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// settings.txt says by which operations the settings of a family are made, and of every
// property what it does, one a line: its
// path, its mark, and of a refused one the values that are taken all the same.
//
//go:embed settings.txt
var settingsText string

// What a setting does in the tenant.
const (
	Effect  = "effect"  // The tenant behaves so.
	Display = "display" // It is kept and shown, and Auth0 would let nothing less pass for it.
	Refused = "refused" // Auth0 would let less pass, and the tenant does not: it does not take it.
	Scripts = "scripts" // Effect if something runs scripts, refused if not.
)

// Setting is one line of the ledger. What is below a displayed or a refused
// object is marked with it; what is below one that has effect is marked itself.
type Setting struct {
	Family, Path, Mark string
	Taken              []string // Values of a refused setting that change nothing.
}

type ledger struct {
	lines    []Setting
	byPath   map[string]*Setting // family.path
	familyOf map[string]string   // By operation.
}

var theLedger = sync.OnceValue(func() *ledger {
	l := &ledger{byPath: map[string]*Setting{}, familyOf: map[string]string{}}
	family := ""
	for line := range strings.Lines(settingsText) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "#":
			family = words[1]
		case words[0] == "@": // An operation by which settings are made.
			l.familyOf[words[1]+" "+words[2]] = family
		default:
			l.lines = append(l.lines, Setting{family, words[0], words[1], words[2:]})
		}
	}
	for i := range l.lines {
		l.byPath[l.lines[i].Family+"."+l.lines[i].Path] = &l.lines[i]
	}
	return l
})

// Settings are all lines of the ledger, in their order.
func Settings() []Setting { return theLedger().lines }

// RefusedSetting returns the first setting of a body that the tenant does not
// implement, "" without one: "clients.token_quota". ignored are those that are
// only shown, by name or by what they stand below; scripts says that they are run.
func (o *Operation) RefusedSetting(body any, ignored []string, scripts bool) string {
	family := theLedger().familyOf[o.Method+" "+o.Path]
	if family == "" || below(ignored, family) {
		return ""
	}
	return theLedger().refused(family, body, ignored, scripts)
}

func (l *ledger) refused(path string, v any, ignored []string, scripts bool) string {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if found := l.refused(path, item, ignored, scripts); found != "" {
				return found
			}
		}
	case map[string]any:
		for _, name := range SortedKeys(v) {
			at := path + "." + name
			s := l.byPath[at]
			switch {
			case s == nil && l.byPath[path] == nil && !below(ignored, at):
				return at // Of a family without a shape: what it means is not known.
			case s == nil || s.Mark == Display || below(ignored, at):
			case s.Mark == Effect, s.Mark == Scripts && scripts:
				if found := l.refused(at, v[name], ignored, scripts); found != "" {
					return found
				}
			case !nothing(v[name]) && !slices.Contains(s.Taken, Plain(v[name])) || v[name] == false && len(s.Taken) > 0:
				return at
			}
		}
	}
	return ""
}

func below(names []string, path string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return n == "*" || path == n || strings.HasPrefix(path, n+".")
	})
}

// nothing reports a value that sets nothing: null, false, "", and what has
// nothing else in it.
func nothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !nothing(item) })
	case map[string]any:
		for _, item := range v {
			if !nothing(item) {
				return false
			}
		}
		return true
	}
	return false
}
