package main

import (
	"os"
	"strings"
	"testing"

	medama "github.com/medama-io/go-useragent"
	mileusna "github.com/mileusna/useragent"
)

// realAgents needs AUTH0KIT_BENCH_DATA: the directory of the data, which the
// command fetches.
func realAgents(tb testing.TB) []deviceModel {
	tb.Helper()
	dir := os.Getenv("AUTH0KIT_BENCH_DATA")
	if dir == "" {
		tb.Skip("needs the npm packages: set AUTH0KIT_BENCH_DATA to where they may be stored")
	}
	files, err := fetch(dir)
	if err != nil {
		tb.Fatal(err)
	}
	list, err := readDevices(files.agents)
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

// BenchmarkAgents compares parsers of user agents on real ones, and reports how
// often they agree with each other on browser and system.
func BenchmarkAgents(b *testing.B) {
	list := realAgents(b)
	parser := medama.NewParser()
	b.Run("medama", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			parser.Parse(list[i%len(list)].agent)
			i++
		}
	})
	b.Run("mileusna", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			mileusna.Parse(list[i%len(list)].agent)
			i++
		}
		browsers, systems := 0, 0
		for _, d := range list {
			m, o := parser.Parse(d.agent), mileusna.Parse(d.agent)
			if same(string(m.Browser()), o.Name) {
				browsers++
			}
			if same(string(m.OS()), o.OS) {
				systems++
			}
		}
		b.ReportMetric(100*float64(browsers)/float64(len(list)), "%same-browser")
		b.ReportMetric(100*float64(systems)/float64(len(list)), "%same-system")
	})
}

func same(a, b string) bool {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }
	return strings.Contains(plain(b), plain(a)) || strings.Contains(plain(a), plain(b))
}
