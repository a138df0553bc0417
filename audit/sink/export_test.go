package sink

// Sign and MayDial are what tests reach.
var (
	Sign    = sign
	MayDial = mayDial
)
