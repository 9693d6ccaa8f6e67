//go:build !race

package archive_test

// fewer divides the numbers of records; without the race detector all are written.
const fewer = 1
