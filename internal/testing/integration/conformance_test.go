package integration

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// docs/auth0test/conformance.md is written by the tests: AUTH0KIT_CONFORMANCE
// names the file, in which each replaces its part between two marks.

var conformance sync.Mutex

// writeConformance replaces a part of the file.
func writeConformance(t *testing.T, part, content string) {
	t.Helper()
	name := os.Getenv("AUTH0KIT_CONFORMANCE")
	if name == "" {
		return
	}
	conformance.Lock()
	defer conformance.Unlock()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Error(err)
		return
	}
	begin, end := "<!-- "+part+" -->\n", "<!-- end of "+part+" -->"
	before, rest, found := strings.Cut(string(raw), begin)
	_, after, ends := strings.Cut(rest, end)
	if !found || !ends {
		t.Errorf("%s has no marks %q and %q", name, strings.TrimSpace(begin), end)
		return
	}
	if err := os.WriteFile(name, []byte(before+begin+"\n"+content+"\n"+end+after), 0o644); err != nil {
		t.Error(err)
	}
}

// recordingsTable is the share of each area, and what does not match.
func recordingsTable(tally map[string]*share) string {
	var b strings.Builder
	b.WriteString("| area | recorded | answered alike | share | explained |\n|---|---|---|---|---|\n")
	areas := slices.Sorted(maps.Keys(tally))
	for _, area := range areas {
		s := tally[area]
		fmt.Fprintf(&b, "| %s | %d | %d | %.1f %% | %d |\n", area, s.total, s.matched, 100*s.share(), s.explained)
	}
	for _, area := range areas {
		if s := tally[area]; len(s.reasons) > 0 {
			fmt.Fprintf(&b, "\n**%s**\n\n", area)
			for _, line := range s.grouped() {
				b.WriteString("- " + line + "\n")
			}
		}
	}
	return b.String()
}

// grouped are the reasons, each once, with the places.
func (s *share) grouped() []string {
	places := make(map[string][]string)
	for _, m := range s.reasons {
		places[m.why] = append(places[m.why], m.place)
	}
	var out []string
	for _, why := range slices.Sorted(maps.Keys(places)) {
		at := places[why]
		more := ""
		if len(at) > 4 {
			at, more = at[:4], fmt.Sprintf(" and %d more", len(at)-4)
		}
		out = append(out, fmt.Sprintf("%s (%s%s)", strings.ReplaceAll(why, "\n", " "), strings.Join(at, ", "), more))
	}
	return out
}
