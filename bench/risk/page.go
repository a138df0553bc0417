package main

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"strings"

	"github.com/auth0kit/auth0kit/anomaly"
)

// constants are those of the model and of what is set by hand, by file. Names and
// values come out of the source, so that the page cannot be older than the code.
var constants = []struct {
	file  string
	names []string
}{
	{"anomaly/evidence.go", []string{"priorUser", "priorHour", "priorRate", "priorHabit", "leastHabit", "wellKnown", "maxRatio", "leastRate"}},
	{"anomaly/profile.go", []string{"maxDevices", "maxPlaces", "maxPending", "expiry", "minCount", "mostLogins"}},
	{"anomaly/learn.go", []string{"maxVoices"}},
	{"anomaly/sketch.go", []string{"oddsWindow", "many"}},
	{"anomaly/travel.go", []string{"maxSpeed", "minTravel", "unreachable", "nearby", "defaultRadius"}},
	{"anomaly/budget.go", nil},
	{"risk/score.go", []string{"strong"}},
	{"risk/risk.go", []string{"MaxFactor"}},
	{"risk/networks.go", []string{"MaxList"}},
	{"risk/auth0.go", []string{"maxAuth0"}},
	{"risk/activity.go", []string{"failureWindow", "velocityWindow", "dayWindow", "maxActivity", "maxLately", "maxDenied"}},
}

// printModel prints the numbers of evidence with their weights, and the constants, as
// docs/risk has them. root is the directory of the module.
func printModel(w io.Writer, root string) error {
	m := anomaly.DefaultModel()
	meanings, err := evidenceComments(filepath.Join(root, "anomaly/evidence.go"))
	if err != nil {
		return err
	}
	fmt.Fprint(w, "| number | what it is | shows an id | loses it | shows none | first login |\n|---|---|---|---|---|---|\n")
	for i, name := range anomaly.EvidenceNames() {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s | %s |\n", name, meanings[i],
			weight(m.WithDevice.By[name]), weight(m.LosesDevice.By[name]), weight(m.WithoutDevice.By[name]), weight(m.FirstLogin.By[name]))
	}
	fmt.Fprintf(w, "| bias | | %.2f | %.2f | %.2f | %.2f |\n", m.WithDevice.Bias, m.LosesDevice.Bias, m.WithoutDevice.Bias, m.FirstLogin.Bias)
	fmt.Fprintf(w, "| cuts | scores 20, 50, 80, until enough logins were seen | %.2f | %.2f | %.2f | %.2f |\n", m.WithDevice.Cuts, m.LosesDevice.Cuts, m.WithoutDevice.Cuts, m.FirstLogin.Cuts)
	fmt.Fprint(w, "\n| constant | value | what it is |\n|---|---|---|\n")
	for _, c := range constants {
		if err := printConstants(w, root, c.file, c.names); err != nil {
			return err
		}
	}
	return nil
}

func weight(v float64) string {
	if v < 0.005 {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}

// evidenceComments are the comments beside the names of the evidence, in order.
func evidenceComments(path string) (out []string, err error) {
	err = eachConstant(path, func(name, _, comment string) {
		if strings.HasPrefix(name, "ev") {
			out = append(out, strings.TrimPrefix(comment, "… "))
		}
	})
	return out, err
}

func printConstants(w io.Writer, root, file string, names []string) error {
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	return eachConstant(filepath.Join(root, file), func(name, value, comment string) {
		if value != "" && (wanted[name] || names == nil) {
			fmt.Fprintf(w, "| `%s` (`%s`) | %s | %s |\n", name, file, value, comment)
		}
	})
}

// eachConstant calls f with the constants of a file, those in functions too.
func eachConstant(path string, f func(name, value, comment string)) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		d, ok := n.(*ast.GenDecl)
		if !ok || d.Tok != token.CONST {
			return true
		}
		for _, s := range d.Specs {
			v := s.(*ast.ValueSpec)
			doc := v.Comment.Text()
			if doc == "" {
				doc = v.Doc.Text()
			}
			if doc == "" && len(d.Specs) == 1 {
				doc = d.Doc.Text()
			}
			for i, name := range v.Names {
				var value strings.Builder
				if i < len(v.Values) {
					_ = format.Node(&value, files, v.Values[i])
				}
				f(name.Name, value.String(), strings.Join(strings.Fields(doc), " "))
			}
		}
		return true
	})
	return nil
}
