package integration

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The tests that were recorded waited between their requests, or did not. How
// long the tenant's work takes cannot be told from the recordings, but what was
// seen of it can: the replay reads when the work is as far as it was then.
const (
	workTime  = time.Second            // What the tenant takes for a build or a job, from pending to done.
	whileBusy = 350 * time.Millisecond // Twice that is still before the end.
	untilDone = 2 * workTime
)

// readAtOnce are interactions that show that the work of the one before them was
// not done yet.
var readAtOnce = []string{
	"TestJobManager_ImportUsersWithNilOptions #2", // No user yet of those that are imported.
}

// pause is how much time passes before an interaction.
func pause(c cassette, i int) time.Duration {
	if slices.Contains(readAtOnce, fmt.Sprintf("%s #%d", c.name, i)) {
		return 0
	}
	if strings.Contains(c.Interactions[i].Response.Body, `"status":"building"`) {
		return whileBusy
	}
	return untilDone
}
