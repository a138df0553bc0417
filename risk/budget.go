package risk

import "errors"

// Budget holds the shares of the genuine logins, 0 to 1, that the evidence of
// package anomaly may challenge: 0.05 is one login in twenty. The scores 20 and 50
// stand where these shares are spent, by the logins that were allowed or proved
// lately. What counts beside that evidence is not in the budget: failures, lists,
// Config.Factors, OnMissing.
//
// *anomaly.Detector keeps the budget, in each class of logins. Users who abandon a
// challenge are not seen as genuine, so where many do, somewhat more are challenged.
type Budget struct {
	Prompt float64 // Prompted, asked for MFA or denied. Defaults to 0.05.
	MFA    float64 // Asked for MFA or denied. Defaults to two fifths of Prompt.
}

func (b *Budget) defaults() error {
	if b.Prompt == 0 {
		b.Prompt = 0.05
	}
	if b.MFA == 0 {
		b.MFA = 0.4 * b.Prompt
	}
	if !(0 < b.MFA && b.MFA < b.Prompt && b.Prompt <= 0.5) {
		return errors.New("risk: Config.Budget: MFA must be above 0 and below Prompt, which is at most 0.5")
	}
	return nil
}
