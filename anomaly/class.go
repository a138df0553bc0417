package anomaly

// Class says which Weights apply to a login.
type Class uint8

// The classes of logins, by what is known of the user.
const (
	WithDevice Class = iota
	WithoutDevice
	FirstLogin
	LosesDevice // A user without a known device id where most logins show one: their browser keeps none.
	classCount
)

// oddsClasses is how many histograms there are: who loses their device ids is
// counted with who has none, because a service mostly has either.
const oddsClasses = int(LosesDevice)

func oddsClass(c Class) int {
	if c == LosesDevice {
		c = WithoutDevice
	}
	return int(c)
}
