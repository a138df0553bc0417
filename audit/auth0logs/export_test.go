package auth0logs

// EventOf and ParseBody are what fuzz tests reach.
var (
	EventOf   = eventOf
	ParseBody = parseBody
)
