package upload

import (
	"context"
	"fmt"
	"strconv"

	"exeunt/exit"
)

// setting is the row of table install in which the operator's limit stands, in bytes.
const setting = "upload-length"

// The bounds of the operator's limit on one file, in bytes.
const (
	DefaultLength = 4 << 30
	LeastLength   = 1 << 20
	MostLength    = 1 << 40
)

// Longest gives the operator's limit on one file, in bytes.
func (r *Room) Longest(ctx context.Context) (int64, error) {
	text, ok, err := r.DB.Setting(ctx, setting)
	if err != nil || !ok {
		return DefaultLength, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the limit of uploads: %w", err)
	}
	return n, nil
}

// SetLongest stores the operator's limit on one file, in bytes. Invalid where it is not between [LeastLength] and [MostLength].
func (r *Room) SetLongest(ctx context.Context, n int64) error {
	if n < LeastLength || n > MostLength {
		return exit.Fail(exit.Invalid, "upload.error.limit")
	}
	return r.DB.SetSetting(ctx, setting, strconv.FormatInt(n, 10))
}
