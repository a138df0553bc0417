package auditlog

import (
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/audit"
)

// Detection is a rule over the sealed events. Package detect has a dozen.
type Detection struct {
	Name        string // Lower-case: the action of its findings is "detection." and this.
	Description string // What it finds.
	Advice      string // What to do about it.
	// Window is how far back the rule looks. After a restart the events of that time
	// are read again, without their findings.
	Window time.Duration
	// New returns the rule with an empty memory: a function that is called with every
	// sealed event, in the order of the log, by one goroutine.
	New func() func(e Entry) []Finding
}

// Finding is what a rule has found.
type Finding struct {
	// Subject is who or what it is about. An address, of the kind "address", becomes the
	// event's IP, which is encrypted; a user who is forgotten is of the kind "pseudonym".
	Subject audit.Ref
	Because []string // Ids of the events that show it, at most 20.
	// Organization puts the finding into an organization's trail, which may then learn the
	// ids in Because: leave it empty where they are of several organizations.
	Organization string
}

func checkDetections(all []Detection) error {
	seen := make(map[string]bool)
	for _, d := range all {
		e := audit.Event{Type: "detection", Action: "detection." + d.Name}
		if e.Validate() != nil || len(d.Name) > audit.MaxName || seen[d.Name] || d.New == nil || d.Window < 0 {
			return fmt.Errorf("auditlog: Config.Detections: %q needs a lower-case name of its own, New, and a Window that is not negative", d.Name)
		}
		seen[d.Name] = true
	}
	return nil
}
