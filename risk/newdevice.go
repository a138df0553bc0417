package risk

// OnNewDevice is a policy for new devices, whatever the score: at least Action where
// the user has From or more earlier logins. The zero value does nothing.
//
// It is not evidence, and has its price: a new device is 27% of the logins after
// one earlier login, and 3% after 25. docs/risk prints what each From costs. What
// it challenges is not in Config.Budget, and is counted apart: see
// Decision.ByPolicy and Report.ByPolicy.
type OnNewDevice struct {
	Action Action  // PromptVerification or MFARequired. Defaults to none.
	From   float32 // Earlier logins, each worth less with age; halved in 90 days. Defaults to 0: everybody with a history.
}
