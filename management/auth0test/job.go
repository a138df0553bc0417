package auth0test

import "time"

// jobStore holds the jobs of the last 24 hours.
type jobStore struct{ table[job] }

type job struct {
	id        string
	createdAt time.Time
}
