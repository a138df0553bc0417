package auditlog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// counts orders by number, most first, and then by name.
func counts(by map[string]int) []Count {
	out := make([]Count, 0, len(by))
	for name, n := range by {
		out = append(out, Count{name, n})
	}
	sortBy(out, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Name, b.Name)) })
	return out
}

func mostActive(all []Activity) []Activity {
	sortBy(all, func(a, b Activity) int { return cmp.Or(cmp.Compare(b.Events, a.Events), strings.Compare(a.ID, b.ID)) })
	return all[:min(len(all), maxActive)]
}

// noted returns the ids of the events that a report lists, by section and in the
// order of their times.
func (c cells) noted() map[string][]string {
	var keys []string
	for key := range c {
		if strings.HasPrefix(key, ofNoted) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	out := make(map[string][]string)
	for _, key := range keys {
		section, _, _ := strings.Cut(key[len(ofNoted):], ":")
		out[section] = append(out[section], c[key].Event)
	}
	return out
}

func sortedRows(rows []driver.Row) []driver.Row {
	sortBy(rows, func(a, b driver.Row) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	return rows
}
