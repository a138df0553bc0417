package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/tenancy"
)

const booksSchema = `CREATE TABLE IF NOT EXISTS portal_invoices (
	org TEXT NOT NULL, number INTEGER NOT NULL, supplier TEXT NOT NULL, cents INTEGER NOT NULL, due TEXT NOT NULL,
	paid_by TEXT NOT NULL DEFAULT '', paid_at TEXT NOT NULL DEFAULT '', PRIMARY KEY (org, number)
)`

func (s *stores) createBooks(ctx context.Context) error {
	for _, statement := range []string{booksSchema, receiptsSchema} {
		if _, err := s.books.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// invoice is one that an organization has got.
type invoice struct {
	Number   int    `json:"number"`
	Supplier string `json:"supplier"`
	Cents    int    `json:"cents"`
	Due      string `json:"due"`
	PaidBy   string `json:"paid_by,omitempty"`
	PaidAt   string `json:"paid_at,omitempty"`
}

// Amount is in euros.
func (i invoice) Amount() string {
	euros := strconv.Itoa(i.Cents / 100)
	for n := len(euros) - 3; n > 0; n -= 3 {
		euros = euros[:n] + "," + euros[n:]
	}
	return fmt.Sprintf("%s.%02d €", euros, i.Cents%100)
}

// Day is when it is due.
func (i invoice) Day() string {
	day, err := time.Parse(time.DateOnly, i.Due)
	if err != nil {
		return i.Due
	}
	return day.Format("2 January")
}

// Paid says when.
func (i invoice) Paid() string {
	at, err := time.Parse(time.RFC3339, i.PaidAt)
	if err != nil {
		return ""
	}
	return "Paid " + site.When(at)
}

// invoices reads those of one organization: every statement names it.
func (s *stores) invoices(ctx context.Context, org string) (list []invoice, err error) {
	rows, err := s.books.QueryContext(ctx, `SELECT number, supplier, cents, due, paid_by, paid_at FROM portal_invoices WHERE org = $1 ORDER BY due, number`, org)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var i invoice
		if err := rows.Scan(&i.Number, &i.Supplier, &i.Cents, &i.Due, &i.PaidBy, &i.PaidAt); err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, rows.Err()
}

func (s *stores) addInvoice(ctx context.Context, org string, i invoice) error {
	_, err := s.books.ExecContext(ctx, `INSERT INTO portal_invoices (org, number, supplier, cents, due) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		org, i.Number, i.Supplier, i.Cents, i.Due)
	return err
}

var errPaid = errors.New("portal: the invoice is paid already")

// pay marks an invoice as paid, once.
func (s *stores) pay(ctx context.Context, org string, number int, by string) error {
	done, err := s.books.ExecContext(ctx, `UPDATE portal_invoices SET paid_by = $1, paid_at = $2 WHERE org = $3 AND number = $4 AND paid_by = ''`,
		by, time.Now().UTC().Format(time.RFC3339), org, number)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errPaid
}

// exportBooks writes which invoices a user has paid and when their account was closed.
func (s *stores) exportBooks(ctx context.Context, userID string, w io.Writer) (err error) {
	type entry struct {
		Organization string `json:"organization"`
		Number       int    `json:"number"`
		PaidAt       string `json:"paid_at"`
	}
	out := struct {
		Paid   []entry     `json:"paid"`
		Closed []time.Time `json:"account_closed"`
	}{}
	rows, err := s.books.QueryContext(ctx, `SELECT org, number, paid_at FROM portal_invoices WHERE paid_by = $1 ORDER BY paid_at`, userID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.Organization, &e.Number, &e.PaidAt); err != nil {
			return err
		}
		out.Paid = append(out.Paid, e)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if out.Closed, err = s.closed(ctx, userID); err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(out)
}

// overview is the first page of an organization.
func (p *portal) overview(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	list, err := p.invoices(r.Context(), caller.TenantID)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	done := ""
	if i := find(list, r.URL.Query().Get("paid")); i.PaidBy != "" { // anybody can send a link that says so
		done = "Invoice " + strconv.Itoa(i.Number) + " is paid."
	}
	p.pages.Show(w, r, http.StatusOK, "invoices", site.Page{
		Title: "Invoices", Lead: "What your suppliers have sent. To pay one, you confirm with a second factor.", Done: done, Wide: true, Data: list,
	})
}

// find returns the invoice of that number, or the zero one.
func find(list []invoice, number string) (found invoice) {
	for _, i := range list {
		if strconv.Itoa(i.Number) == number {
			return i
		}
	}
	return found
}

// ask shows an invoice before it is paid. Who comes here has proved a second factor in
// the last five minutes.
func (p *portal) ask(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	list, err := p.invoices(r.Context(), caller.TenantID)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	i := find(list, r.PathValue("number"))
	switch {
	case i.Number == 0:
		p.pages.NotFound(w, r)
		return
	case i.PaidBy != "": // behind the back button
		p.alreadyPaid(w, r)
		return
	}
	p.pages.Show(w, r, http.StatusOK, "pay", site.Page{Title: "Pay " + i.Amount() + "?", Lead: "To " + i.Supplier + ", for invoice " + strconv.Itoa(i.Number) + ".", Data: i})
}

// payInvoice pays, and leaves two events in the log: that it began, without which nothing is
// done, and how it ended.
func (p *portal) payInvoice(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	list, err := p.invoices(r.Context(), caller.TenantID)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	n := find(list, r.PathValue("number")).Number
	if n == 0 {
		p.pages.NotFound(w, r)
		return
	}
	event := audit.Event{Type: "payout", Action: "payout.begin", Target: audit.Ref{Kind: "invoice", ID: caller.TenantID + "/" + strconv.Itoa(n)}, Source: "portal", Correlation: rand.Text()}
	if err = audit.Record(r.Context(), p.log, event); err != nil {
		p.broken(w, r, err)
		return
	}
	err = p.stores.pay(r.Context(), caller.TenantID, n, caller.UserID)
	event.Action, event.Outcome = "payout.send", audit.Success
	switch {
	case errors.Is(err, errPaid):
		event.Outcome, event.Reason = audit.Failure, "paid"
	case err != nil:
		event.Outcome, event.Reason = audit.Unknown, "unavailable"
	}
	if err = errors.Join(err, audit.Record(context.WithoutCancel(r.Context()), p.log, event)); errors.Is(err, errPaid) {
		p.alreadyPaid(w, r)
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/orgs/"+caller.TenantID+"/?paid="+strconv.Itoa(n), http.StatusSeeOther)
}

func (p *portal) alreadyPaid(w http.ResponseWriter, r *http.Request) {
	p.pages.Failed(w, r, http.StatusConflict, "This invoice is paid already", "Somebody was faster, or you were a moment ago. Nothing was sent twice.", "")
}
