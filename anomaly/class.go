package anomaly

// Class says which Weights apply to a login.
type Class uint8

// The classes of logins, by what is known of the user.
const (
	WithDevice Class = iota
	WithoutDevice
	FirstLogin
	classCount
)
