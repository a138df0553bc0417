package riskhttp

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/pages"
	"github.com/auth0kit/auth0kit/risk"
)

//go:embed support.html
var supportHTML string

var supportPage = template.Must(template.New("support").Funcs(template.FuncMap{
	"css": func() template.CSS { return template.CSS(pages.CSS) }, //nolint:gosec // our own stylesheet
}).Parse(supportHTML))

const supportPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// SupportConfig holds the optional settings of a page for support staff.
type SupportConfig struct {
	Path   string                                    // Where the page is mounted, without stripping it. Defaults to "/support/logins".
	Proofs []string                                  // How a user who was denied can have proved who they are, such as "passport seen"; staff choose one. Defaults to none: the page unlocks nobody.
	For    time.Duration                             // How long Engine.Unlock holds: whole minutes, at most 24 h. Defaults to an hour.
	CSRF   func(*http.Request) (field, token string) // A field of the form, as *session.HTTP has it. Defaults to none. What browsers send from other sites is refused in any case.
}

// support serves the page.
type support struct {
	engine    *risk.Engine
	authorize func(*http.Request) (string, error)
	cfg       SupportConfig
}

// NewSupport returns a page for support staff: which logins of a user were
// challenged or denied, what was seen, what is usual, and why. It shows networks in
// place of addresses, and no cookie and no email address. Staff can have a user whose
// login is denied asked for a second factor instead, for a while, by one of
// Config.Proofs and the reference of a ticket; both are in the audit log, with the
// staff member as actor.
//
// authorize returns the id of the member of staff who asks. An error, or no id, is
// answered with 403; its text is not shown. Nobody can unlock themselves.
func NewSupport(e *risk.Engine, authorize func(r *http.Request) (staffID string, err error), cfg SupportConfig) (http.Handler, error) {
	switch {
	case e == nil:
		return nil, errors.New("riskhttp: engine must not be nil; make one with risk.New")
	case authorize == nil:
		return nil, errors.New("riskhttp: authorize must not be nil; it says who may see the logins of users")
	case cfg.For < 0 || cfg.For > 24*time.Hour || cfg.For%time.Minute != 0:
		return nil, errors.New("riskhttp: SupportConfig.For must be whole minutes, not negative and at most 24 h; 0 is an hour")
	}
	cfg.For, cfg.Path = cmp.Or(cfg.For, time.Hour), cmp.Or(cfg.Path, "/support/logins")
	if !strings.HasPrefix(cfg.Path, "/") || strings.HasSuffix(cfg.Path, "/") || strings.ContainsAny(cfg.Path, "{} ?#") {
		return nil, errors.New(`riskhttp: SupportConfig.Path must begin with a slash and not end with one, such as "/support/logins"`)
	}
	cfg.Proofs = slices.Clone(cfg.Proofs)
	for _, p := range cfg.Proofs {
		if p == "" || len(p) > maxProof {
			return nil, fmt.Errorf("riskhttp: SupportConfig.Proofs has one without 1 to %d bytes", maxProof)
		}
	}
	return &support{e, authorize, cfg}, nil
}

const maxProof = 120

// ticket is the reference of a ticket: too short and plain to hold a story about a
// person.
var ticket = regexp.MustCompile(`^[A-Za-z0-9#._/-]{1,40}$`)

// supportView is what the template sees.
type supportView struct {
	Path, User    string
	Status        int
	Logins        []supportLogin
	Proofs        []string
	For           string
	Field, Token  string // of CSRF
	Unlocked      bool
	Proof, Ticket string // as they were sent
	Wrong         string // the field that was wrong: "user", "ticket", "proof"
	Failed        bool   // a store did not answer
}

// ServeHTTP implements http.Handler.
func (s *support) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", supportPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	staff, err := s.authorize(r)
	if err != nil || staff == "" || http.NewCrossOriginProtection().Check(r) != nil {
		s.render(w, r, supportView{Status: http.StatusForbidden})
		return
	}
	switch r.Method + " " + strings.TrimSuffix(r.URL.Path, "/") {
	case "GET " + s.cfg.Path, "HEAD " + s.cfg.Path:
		s.show(w, r, supportView{User: strings.TrimSpace(r.URL.Query().Get("user"))})
	case "POST " + s.cfg.Path:
		s.unlock(w, r, staff)
	default:
		s.render(w, r, supportView{Status: http.StatusNotFound})
	}
}

// unlock answers the form.
func (s *support) unlock(w http.ResponseWriter, r *http.Request, staff string) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	v := supportView{User: strings.TrimSpace(r.PostFormValue("user")), Proof: r.PostFormValue("proof"), Ticket: strings.TrimSpace(r.PostFormValue("ticket"))}
	switch {
	case v.User == "" || v.User == staff:
		v.Status = http.StatusForbidden
		s.render(w, r, v)
		return
	case !isUser(v.User):
		v.Wrong = "user"
	case !slices.Contains(s.cfg.Proofs, v.Proof):
		v.Wrong = "proof"
	case !ticket.MatchString(v.Ticket):
		v.Wrong = "ticket"
	default:
		origin := audit.FromContext(r.Context())
		origin.Actor = audit.Ref{Kind: "user", ID: staff}
		err := s.engine.Unlock(audit.NewContext(r.Context(), origin), v.User, v.Proof+", ticket "+v.Ticket, s.cfg.For)
		v.Unlocked, v.Failed = err == nil, err != nil
	}
	s.show(w, r, v)
}

// isUser reports whether stores and the audit log take the id.
func isUser(id string) bool {
	return len(id) <= 255 && utf8.ValidString(id) && !strings.ContainsFunc(id, unicode.IsControl)
}

// show shows the logins of the user, if there is one.
func (s *support) show(w http.ResponseWriter, r *http.Request, v supportView) {
	if v.User != "" && !isUser(v.User) {
		v.User, v.Wrong = "", "user"
	}
	if v.User != "" {
		decisions, err := s.engine.History(r.Context(), v.User)
		v.Failed = v.Failed || err != nil
		for _, d := range decisions {
			v.Logins = append(v.Logins, shown(d))
		}
		v.Proofs = s.cfg.Proofs
	}
	v.Status = http.StatusOK
	switch {
	case v.Failed:
		v.Status = http.StatusServiceUnavailable
	case v.Wrong != "":
		v.Status = http.StatusUnprocessableEntity
	}
	s.render(w, r, v)
}

func (s *support) render(w http.ResponseWriter, r *http.Request, v supportView) {
	v.Path, v.For = s.cfg.Path, fmt.Sprintf("%d minutes", int(s.cfg.For.Minutes()))
	if s.cfg.CSRF != nil {
		v.Field, v.Token = s.cfg.CSRF(r)
	}
	var page bytes.Buffer
	if err := supportPage.Execute(&page, v); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(v.Status)
	_, _ = w.Write(page.Bytes()) // The visitor has gone.
}

// supportLogin is a decision in words.
type supportLogin struct {
	ID, At, What, Ended, Network string
	Score                        int
	Denied                       bool
	Notes                        []string
	Evidence                     []supportEvidence
}

type supportEvidence struct{ Name, Seen, Usual, Says string }

var (
	actionWords = map[risk.Action]string{
		risk.Deny: "Denied", risk.MFARequired: "Second factor asked", risk.PromptVerification: "Confirmation by email asked", risk.Allow: "Allowed",
	}
	endedWords = map[string]string{
		risk.StepUpPassed.String(): "passed", risk.Refused.String(): "failed", risk.Abandoned.String(): "left by the user", "": "not answered",
	}
	evidenceWords = map[string]string{
		"unusual_location": "Country and network", "unusual_time": "Time of day, where the user is", "new_device": "Device and browser",
		"impossible_travel": "Travel since the last login", "suspicious_activity": "Wrong passwords and rate of logins",
		"refused_before": "Refused from there before", "auth0": "Auth0’s assessment",
		"refused_challenges": "Challenges refused or left", "distrusted": "Marked after a takeover or reset", "address": "Address",
	}
)

// shown puts a decision into words, the evidence that weighs most first.
func shown(d risk.Decision) supportLogin {
	out := supportLogin{
		ID: d.ID, At: d.Login.Time.UTC().Format("2 January 2006, 15:04 UTC"), What: cmp.Or(actionWords[d.Action], "Denied"), Score: d.Score,
		Network: networkText(d.Login.IP), Denied: actionWords[d.Action] == "" || d.Action == risk.Deny,
	}
	if !out.Denied {
		out.Ended = endedWords[d.Ended]
	}
	if d.First {
		out.Notes = append(out.Notes, "It was the first login that is known of the user, so there is nothing to compare it with.")
	}
	if d.ByPolicy {
		out.Notes = append(out.Notes, "A policy asks for a challenge on every new device.")
	}
	for _, name := range d.Missing {
		out.Notes = append(out.Notes, "Not known when it was judged: "+strings.ToLower(cmp.Or(evidenceWords[name], name))+".")
	}
	shares := slices.Clone(d.Factors)
	slices.SortStableFunc(shares, func(a, b risk.Share) int { return cmp.Compare(b.LogOdds, a.LogOdds) })
	for _, f := range shares {
		e := supportEvidence{cmp.Or(evidenceWords[f.Name], f.Name), cmp.Or(f.Seen, f.Detail), f.Usual, says(f)}
		if f.Name == "new_device" && f.Usual != "" {
			e.Seen += ", not seen before"
		}
		if f.Name != "prior" && e.Seen+e.Says != "" {
			out.Evidence = append(out.Evidence, e)
		}
	}
	return out
}

// says puts log-odds into words.
func says(f risk.Share) string {
	switch {
	case f.LogOdds >= 2:
		return "strongly against the login"
	case f.LogOdds >= 0.5:
		return "against the login"
	case f.LogOdds <= -0.5:
		return "for the login"
	case f.LogOdds == 0 && f.Detail == "":
		return ""
	}
	return "little"
}

// networkText is enough to ask the user where they were, and no address.
func networkText(ip netip.Addr) string {
	bits := 24
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		bits = 48
	}
	if p, err := ip.Prefix(bits); err == nil && ip.IsValid() {
		return p.String()
	}
	return "not known"
}
