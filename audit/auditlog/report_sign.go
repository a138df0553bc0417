package auditlog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"
)

// reportFormat is the first line of what is signed of a report. A checkpoint's is
// the log's name, so that neither passes for the other.
const reportFormat = "auth0kit audit report v1"

// signedReport is a report as it is written: the exact bytes, and a signed note
// with their hash.
type signedReport struct {
	Report    json.RawMessage `json:"report"`
	Signature string          `json:"signature"`
}

// SignReport writes a report as JSON with the log's signature, which covers all of
// it, coverage included. VerifyReport reads it.
func (l *Log) SignReport(r *Report, w io.Writer) error {
	if r.Log != l.signer.Name() {
		return fmt.Errorf("%w: the report is of another log", ErrOtherLog)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("auditlog: encoding a report: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: reportText(r.Log, text)}, l.signer)
	if err != nil {
		return fmt.Errorf("auditlog: signing a report: %w", err)
	}
	if err := json.NewEncoder(w).Encode(signedReport{text, string(signed)}); err != nil {
		return fmt.Errorf("auditlog: writing a report: %w", err)
	}
	return nil
}

func reportText(name string, report []byte) string {
	sum := sha256.Sum256(report)
	return fmt.Sprintf("%s\n%s\n%s\n", reportFormat, name, base64.StdEncoding.EncodeToString(sum[:]))
}

// VerifyReport reads what SignReport wrote and checks its signature offline. It
// trusts the log's verifier key alone.
func VerifyReport(r io.Reader, verifierKey string) (*Report, error) {
	name, known, err := verifiersOf(verifierKey)
	if err != nil {
		return nil, err
	}
	var s signedReport
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		return nil, errors.New("auditlog: not a signed report")
	}
	n, err := note.Open([]byte(s.Signature), known)
	if err != nil {
		return nil, fmt.Errorf("%w: the report has no valid signature of this key", ErrOtherLog)
	}
	if n.Text != reportText(name, s.Report) {
		return nil, errors.New("auditlog: the report is not the one that was signed")
	}
	var report Report
	if err := json.Unmarshal(s.Report, &report); err != nil {
		return nil, errors.New("auditlog: the signed report is not readable")
	}
	return &report, nil
}
