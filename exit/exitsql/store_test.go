package exitsql_test

import (
	"testing"

	"exeunt/exit"
	"exeunt/exit/exittest"
)

func TestStore(t *testing.T) {
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		exittest.Stores(t, func(t *testing.T) exit.RunStore { return create(t).store(t) })
	})
}
