package delegation

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// colors are ANSI colors by the sign of a line.
var colors = map[string]string{"+": "\x1b[32m", "-": "\x1b[31m", "~": "\x1b[33m", "!": "\x1b[35m", "=": "\x1b[36m"}

// WriteDiff writes the plan for people, a line for each person with something to
// do, with ANSI colors if color is set. It has emails.
func (p *Plan) WriteDiff(w io.Writer, color bool) error {
	return writeDiff(w, color, p, p.Changes, func(c Change) string { return explain(c) })
}

// WriteDiff writes the result for people, as Plan.WriteDiff does, with what became
// of each change.
func (a *Applied) WriteDiff(w io.Writer, color bool) error {
	return writeDiff(w, color, &a.Plan, a.Changes, func(c Change) string {
		switch {
		case !c.Kind.Gives() && !c.Kind.Takes():
			return explain(c)
		case c.Done && c.Err == nil:
			return "done"
		case c.Done:
			return "done, but " + strings.TrimPrefix(c.Err.Error(), "delegation: ")
		case c.Err == nil:
			return "not done"
		}
		return "failed: " + strings.TrimPrefix(c.Err.Error(), "delegation: ")
	})
}

func writeDiff(w io.Writer, color bool, p *Plan, changes []Change, note func(Change) string) error {
	var b bytes.Buffer
	paint := func(sign, text string) string {
		if c := colors[sign]; color && c != "" {
			return c + text + "\x1b[0m"
		}
		return text
	}
	heading := p.OrgID
	if p.From != "" {
		heading += ", from " + p.From
	}
	fmt.Fprintln(&b, printable(heading))
	width, words, unchanged := widths(changes)
	lines := slices.Clone(changes)
	slices.SortStableFunc(lines, func(a, b Change) int { return cmp.Compare(order(a), order(b)) })
	for _, c := range lines {
		k := kinds[c.Kind]
		if c.Kind == kindNone {
			continue
		}
		line := fmt.Sprintf("  %s %s%s  %s%s  %s", k.sign, who(c), pad(who(c), width), k.words, pad(k.words, words), note(c))
		fmt.Fprintln(&b, paint(k.sign, strings.TrimRight(printable(line), " ")))
	}
	if unchanged > 0 {
		fmt.Fprintf(&b, "    %s unchanged\n", plural(unchanged, "person", "people"))
	}
	fmt.Fprintf(&b, "    administrators who count: %d now, %d afterwards\n", p.Before, p.Administrators)
	if p.Missing > 0 {
		fmt.Fprintln(&b, paint("!", fmt.Sprintf("  ! too few: add %d more who can log in; nobody who is invited counts", p.Missing)))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func widths(changes []Change) (width, words, unchanged int) {
	for _, c := range changes {
		if c.Kind == kindNone {
			unchanged++
			continue
		}
		width, words = max(width, len([]rune(who(c)))), max(words, len(kinds[c.Kind].words))
	}
	return width, words, unchanged
}

func pad(s string, width int) string { return strings.Repeat(" ", max(0, width-len([]rune(s)))) }

// order puts additions first, as Apply does.
func order(c Change) int {
	k := kinds[c.Kind]
	switch {
	case k.gives:
		return 0
	case k.takes:
		return 1
	case c.Kind == kindInherited:
		return 2
	}
	return 3
}

func who(c Change) string { return printable(cmp.Or(c.Email, c.UserID, c.InvitationID)) }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// explain says why a change is refused, or where a role comes from.
func explain(c Change) string {
	switch {
	case c.Kind == kindRefused && c.Err != nil:
		return strings.TrimPrefix(c.Err.Error(), "delegation: ")
	case c.Kind == kindRefused:
		return c.Reason
	case c.Kind == kindReinvite:
		return "the invitation has expired"
	case c.Kind == kindProvision && c.Reason == "unfinished":
		return "the user is there; an earlier run was stopped"
	}
	return ""
}

// printable replaces what would steer a terminal. Names at Auth0 are as people typed
// them.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}
