package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/detect"
	"github.com/auth0kit/auth0kit/audit/report"
	"github.com/auth0kit/auth0kit/audit/sink"
	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/tenancy"
)

// buildLog opens the log. Its signing key stays with its store: a log that another key
// has signed is refused.
func (p *portal) buildLog(_ context.Context, env func(string) string) (err error) {
	key := env("AUDIT_KEY")
	if key == "" && env("DATABASE_URL") != "" {
		return errors.New("AUDIT_KEY is missing: a log that stays in Postgres needs the key that it began with; examples/auditverify makes one")
	}
	if key == "" {
		if key, _, err = auditlog.GenerateKey("ledger.example.com/audit"); err != nil {
			return err
		}
	}
	seal, err := auditlog.ParseSeal(key, p.key)
	if err != nil {
		return errors.New("AUDIT_KEY is not a signing key, as of examples/auditverify")
	}
	webhook := auditlog.Kind(sink.Webhook)
	if p.demo != nil { // whose receiver is on this machine
		webhook = sink.PrivateWebhook(http.DefaultClient)
	}
	p.log, err = auditlog.New(p.events, seal, auditlog.Config{
		Detections: detect.All(), Kinds: map[string]auditlog.Kind{"webhook": webhook, "syslog": sink.Syslog},
	})
	return err
}

// trail is the log as the organization of the request sees it.
func (p *portal) trail(r *http.Request) (*auditlog.Trail, string, error) {
	caller, _ := tenancy.FromContext(r.Context())
	t, err := p.log.Trail(caller.TenantID)
	return t, caller.TenantID, err
}

// happened is a row of the trail.
type happened struct {
	ID, Time, What, Who, Target, Outcome string
	Bad, Sealed                          bool
}

const shown = 100

// audit shows the newest events of the organization and its streams. That somebody
// reads is in the log too, and left out of the page.
func (p *portal) audit(w http.ResponseWriter, r *http.Request) {
	p.showAudit(w, r, http.StatusOK, "", nil)
}

func (p *portal) showAudit(w http.ResponseWriter, r *http.Request, status int, problem string, added *auditlog.Stream) {
	t, org, err := p.trail(r)
	var events []happened
	names, err2 := p.names(r.Context(), org)
	err = errors.Join(err, err2)
	for e, failed := range t.Query(r.Context(), auditlog.Filter{Period: auditlog.Period{From: time.Now().Add(-7 * 24 * time.Hour)}}) {
		if err = errors.Join(err, failed); err != nil {
			break
		}
		if e.Type != "audit" {
			events = append(events, row(e, names))
		}
		if len(events) > 4*shown {
			events = slices.Clone(events[len(events)-shown:])
		}
	}
	streams, err3 := t.Streams(r.Context())
	if err = errors.Join(err, err3); err != nil {
		p.broken(w, r, err)
		return
	}
	slices.Reverse(events)
	p.pages.Show(w, r, status, "audit", site.Page{
		Title: "Audit trail", Lead: "What happened in your organization in the last seven days. Each line is sealed, and can be proved to others.", Problem: problem, Wide: true,
		Data: map[string]any{"Org": org, "Events": events[:min(shown, len(events))], "Streams": streams, "Added": added, "Demo": p.demo != nil, "Base": p.base},
	})
}

func row(e auditlog.Entry, names map[string]string) happened {
	name := func(ref audit.Ref) string {
		if ref.IsZero() {
			return ""
		}
		_, short, ok := strings.Cut(ref.ID, "/") // of what belongs to an organization
		if !ok {
			short = ref.ID
		}
		return cmp.Or(names[ref.ID], ref.Kind+" "+short)
	}
	return happened{
		ID: e.ID, Time: site.When(e.Time), What: e.Action, Who: name(e.Actor), Target: name(e.Target),
		Outcome: cmp.Or(strings.ReplaceAll(e.Reason, "_", " "), map[audit.Outcome]string{audit.Success: "done", audit.Failure: "failed"}[e.Outcome], "begun"), Bad: e.Outcome == audit.Failure, Sealed: e.Sealed,
	}
}

// names are the addresses of the members, which the log does not have.
func (p *portal) names(ctx context.Context, org string) (map[string]string, error) {
	names := map[string]string{}
	for m, err := range p.client.Members(ctx, org) {
		if err != nil {
			return nil, err
		}
		names[m.UserID] = m.Email
	}
	return names, nil
}

// prove shows the proof of one event, and gives it as a file that anybody can verify
// with the log's public key: go run ./examples/auditverify.
func (p *portal) prove(w http.ResponseWriter, r *http.Request) {
	t, org, err := p.trail(r)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	proof, err := t.Prove(r.Context(), r.PathValue("event"))
	switch {
	case errors.Is(err, auditlog.ErrNotFound):
		p.pages.NotFound(w, r)
		return
	case errors.Is(err, auditlog.ErrNotSealed):
		p.pages.Failed(w, r, http.StatusConflict, "This event is not sealed yet", "That takes about a second. Load the page again.", "")
		return
	case err != nil:
		p.broken(w, r, err)
		return
	}
	text, err := proof.MarshalText()
	event, err2 := proof.Verify(p.log.VerifierKey()) // as an auditor does, without the log
	if err = errors.Join(err, err2); err != nil {
		p.broken(w, r, err)
		return
	}
	if r.URL.Query().Has("download") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="proof.txt"`)
		_, _ = w.Write(text)
		return
	}
	hashes := make([]string, len(proof.Hashes))
	for i, h := range proof.Hashes {
		hashes[i] = hex.EncodeToString(h)
	}
	p.pages.Show(w, r, http.StatusOK, "proof", site.Page{
		Title: event.Action, Lead: "This event is in the log, as it was when it was sealed.", Done: "The proof is right.", Wide: true,
		Data: map[string]any{"Org": org, "Event": event, "When": event.Time.Format("2 January 2006 15:04:05.000000 MST"), "Index": proof.Index, "Hashes": hashes, "Checkpoint": string(proof.Checkpoint), "Key": p.log.VerifierKey()},
	})
}

// report is the organization's report of the last 30 days, which prints well.
func (p *portal) report(w http.ResponseWriter, r *http.Request) {
	t, _, err := p.trail(r)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	figures, err := t.Report(r.Context(), auditlog.Period{From: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -30)})
	if err != nil {
		p.broken(w, r, err)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = report.HTML(w, figures) // the visitor has gone
}

// addStream sends the organization's events to its own SIEM from now on.
func (p *portal) addStream(w http.ResponseWriter, r *http.Request) {
	t, _, err := p.trail(r)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	added, err := t.PutStream(r.Context(), auditlog.Stream{
		Kind: r.PostFormValue("kind"), Target: auditlog.Target{URL: strings.TrimSpace(r.PostFormValue("url")), Encoding: auditlog.Format(r.PostFormValue("format"))},
	})
	if errors.Is(err, audit.ErrNotRecorded) {
		p.broken(w, r, err)
		return
	}
	if err != nil {
		p.showAudit(w, r, http.StatusUnprocessableEntity, "Nothing can be sent there. Give a public address such as https://siem.example.com/ledger, or syslog+tls://siem.example.com:6514.", nil)
		return
	}
	p.showAudit(w, r, http.StatusOK, "", &added) // no redirect: the secret is shown this once
}

func (p *portal) removeStream(w http.ResponseWriter, r *http.Request) {
	t, org, err := p.trail(r)
	if err == nil {
		err = t.RemoveStream(r.Context(), r.PostFormValue("id"))
	}
	if err != nil && !errors.Is(err, auditlog.ErrNoStream) {
		p.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/orgs/"+org+"/audit", http.StatusSeeOther)
}
