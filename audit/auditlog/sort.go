package auditlog

import "sort"

// sortBy is slices.SortFunc with little that is compiled for each type: that is 13 KB
// of machine code for one.
func sortBy[T any](all []T, compare func(a, b T) int) {
	sort.Slice(all, func(i, j int) bool { return compare(all[i], all[j]) < 0 })
}
