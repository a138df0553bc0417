package archtest

import (
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

var (
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```$")
	docLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	namedLink = regexp.MustCompile(`\[((?:Test|Fuzz|Benchmark|Example)[A-Z]\w*)\]\(([^)\s]+)\)`)
	testName  = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*\b`)
	goRun     = regexp.MustCompile(`(cd bench && )?go (?:run|build|test)(?: -\S+(?: \w+)?)*? (\./[\w/]+)`)
	qualified = regexp.MustCompile("`(\\w+)\\.([A-Z]\\w*)(?:\\.([A-Z]\\w*))?(?:\\([^`]*\\))?`")
	testFunc  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w*)\(`)
)

// documents are the pages, by their path below the root, without blocks of code.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := make(map[string]string)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "testdata"):
			return filepath.SkipDir
		case filepath.Ext(name) == ".md":
			content, err := os.ReadFile(name)
			pages[filepath.ToSlash(strings.TrimPrefix(name, root+"/"))] = string(content)
			return err
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(pages), 15)
	return pages
}

// tests are the names of all tests, with the files that have them.
var tests = sync.OnceValues(func() (map[string][]string, error) {
	names := make(map[string][]string)
	return names, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(content), -1) {
			names[m[1]] = append(names[m[1]], filepath.ToSlash(strings.TrimPrefix(name, root+"/")))
		}
		return nil
	})
})

// target is the file of a link in a page, and the heading in it.
func target(page, link string) (file, heading string) {
	file, heading, _ = strings.Cut(link, "#")
	if file == "" {
		return page, heading
	}
	return path.Join(path.Dir(page), file), heading
}

// anchors are the headings of a page as links name them.
func anchors(content string) map[string]bool {
	all := make(map[string]bool)
	for line := range strings.Lines(codeBlock.ReplaceAllString(content, "")) {
		if title := strings.TrimLeft(line, "#"); title != line {
			all[strings.Map(func(r rune) rune {
				switch {
				case r == ' ':
					return '-'
				case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
					return unicode.ToLower(r)
				}
				return -1
			}, strings.TrimSpace(title))] = true
		}
	}
	return all
}

// Links lead to files and headings that are there.
func TestLinksOfDocuments(t *testing.T) {
	t.Parallel()
	pages := documents(t)
	for page, content := range pages {
		for _, m := range docLink.FindAllStringSubmatch(codeBlock.ReplaceAllString(content, ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, heading := target(page, m[1])
			_, err := os.Stat(filepath.Join(root, file))
			if assert.NoError(t, err, "%s links to %s", page, m[1]) && heading != "" {
				assert.True(t, anchors(pages[file])[heading], "%s links to %s: there is no such heading", page, m[1])
			}
		}
	}
}

// Tests that documents name exist, and where a link says.
func TestDocumentsNameTests(t *testing.T) {
	t.Parallel()
	known, err := tests()
	require.NoError(t, err)
	for page, content := range documents(t) {
		for _, m := range namedLink.FindAllStringSubmatch(content, -1) {
			file, _ := target(page, m[2])
			assert.Contains(t, known[m[1]], file, "%s links %s", page, m[1])
		}
		if page == "docs/auth0test/conformance.md" { // Its tests are go-auth0's.
			continue
		}
		for _, name := range testName.FindAllString(content, -1) {
			_, exact := known[name]
			assert.True(t, exact || prefixOfTest(known, name), "%s names %s", page, name)
		}
	}
}

// prefixOfTest is for what go test -run takes.
func prefixOfTest(known map[string][]string, name string) bool {
	for k := range known {
		if strings.HasPrefix(k, name) {
			return true
		}
	}
	return false
}

// Commands of documents name folders that are there.
func TestDocumentsNameFolders(t *testing.T) {
	t.Parallel()
	for page, content := range documents(t) {
		for _, m := range goRun.FindAllStringSubmatch(content, -1) {
			base := ""
			if m[1] != "" || strings.HasPrefix(page, "bench/") || page == "docs/benchmarks.md" {
				base = "bench"
			}
			inRoot, inBench := exists(m[2]), exists(path.Join("bench", m[2]))
			assert.True(t, inBench || base == "" && inRoot || base == "bench" && inRoot, "%s: %s", page, m[0])
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, name))
	return err == nil
}

// No row of the README's comparison stands without a link to the test or the
// figures that show it.
func TestClaimsHaveLinks(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(read(t, "README.md"), "\n| today | here | shown by |\n|---|---|---|\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	require.Greater(t, len(rows), 5)
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		require.Len(t, cells, 3, row)
		links := docLink.FindAllStringSubmatch(cells[2], -1)
		assert.NotEmpty(t, links, row)
		for _, m := range links {
			shows := strings.HasSuffix(m[1], "_test.go") || strings.HasPrefix(m[1], "bench/") || strings.HasPrefix(m[1], "docs/")
			assert.True(t, shows, "%s is neither a test nor a measurement: %s", m[1], row)
		}
	}
}

// What documents call `package.Name` or `package.Type.Member` is there.
func TestDocumentsNameWhatExists(t *testing.T) {
	t.Parallel()
	from, err := compiled()
	require.NoError(t, err)
	byName := make(map[string][]*types.Package)
	for _, p := range load(t) {
		if p.isPublic() && len(p.GoFiles) > 0 {
			loaded, err := from.Import(p.ImportPath)
			require.NoError(t, err)
			byName[loaded.Name()] = append(byName[loaded.Name()], loaded)
		}
	}
	for page, content := range documents(t) {
		if page == "CHANGELOG.md" { // It names what is gone as well.
			continue
		}
		for _, m := range qualified.FindAllStringSubmatch(content, -1) {
			if candidates := byName[m[1]]; len(candidates) > 0 {
				assert.True(t, anyHas(candidates, m[2], m[3]), "%s names %s", page, m[0])
			}
		}
	}
}

func anyHas(packages []*types.Package, name, member string) bool {
	for _, p := range packages {
		o := p.Scope().Lookup(name)
		if o == nil || !token.IsExported(name) {
			continue
		}
		if member == "" {
			return true
		}
		if found, _, _ := types.LookupFieldOrMethod(o.Type(), true, p, member); found != nil {
			return true
		}
	}
	return false
}
