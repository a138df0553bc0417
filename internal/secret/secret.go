// Package secret keeps passwords, tokens and personal data out of texts: out of
// every verb of package fmt, out of errors, and out of both handlers of log/slog.
//
// A type that holds such a value names in its LogValue what may be seen, and
// everything else stays hidden, fields that are added later too:
//
//	func (r Record) Format(f fmt.State, _ rune) { secret.Format(f, r) }
//	func (r Record) LogValue() slog.Value       { return secret.Shown(slog.String("key", r.Key)) }
//
// Both have value receivers, so that pointers are covered. fmt asks Format for
// elements of slices and maps and for exported fields, but not for unexported
// ones: a type that keeps such a value in an unexported field needs Format
// itself, or keeps a pointer, which fmt prints as an address.
//
// slog's JSON handler asks LogValue for the value that is logged, and package
// encoding/json for everything inside a slice, a map or another struct. So a type
// that nobody stores or sends has MarshalJSON too; the others stay faithful to
// encoding/json and must be logged one by one.
//
// fmt calls no method for %p of a value and for %w of what is not an error;
// go vet refuses both.
package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
)

// Format writes, for every verb, the type of v and what its LogValue shows:
// migration.Record{key: "k1", …}.
func Format(f fmt.State, v slog.LogValuer) { fmt.Fprint(f, text(v)) }

// JSON returns what Format writes, as a JSON string. It is for the MarshalJSON of
// types that nobody stores or sends.
func JSON(v slog.LogValuer) ([]byte, error) { return json.Marshal(text(v)) }

// Shown returns the log value of a type of which only attrs may be seen.
func Shown(attrs ...slog.Attr) slog.Value {
	if len(attrs) == 0 { // Handlers leave an empty group out, key and all.
		return slog.StringValue("[hidden]")
	}
	return slog.GroupValue(attrs...)
}

func text(v slog.LogValuer) string {
	var b strings.Builder
	b.WriteString(strings.TrimPrefix(reflect.TypeOf(v).String(), "*") + "{")
	if shown := v.LogValue(); shown.Kind() == slog.KindGroup {
		for _, a := range shown.Group() {
			if a.Value.Kind() == slog.KindString {
				fmt.Fprintf(&b, "%s: %q, ", a.Key, a.Value.String())
			} else {
				fmt.Fprintf(&b, "%s: %s, ", a.Key, a.Value)
			}
		}
	}
	b.WriteString("…}")
	return b.String()
}
