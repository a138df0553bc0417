//go:build race

package anomaly_test

// The race detector makes sync.Pool drop things at random.
const raceEnabled = true
