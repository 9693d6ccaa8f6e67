//go:build race

package archive_test

// fewer divides the numbers of records under the race detector.
const fewer = 10
