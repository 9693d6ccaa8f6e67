package main

import (
	"fmt"
	"slices"
	"time"
)

// percentile gives the value below or at which so many of a hundred lie; 0 of none.
func percentile(took []time.Duration, hundredths float64) time.Duration {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*hundredths/100))]
}

func median(took []time.Duration) time.Duration { return percentile(took, 50) }

func medianOf(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// ratio gives how many times as long the first took.
func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }

// ratios gives the median of what each round's two took beside one another: rounds differ more than what is compared.
func ratios(a, b []time.Duration) float64 {
	each := make([]float64, len(a))
	for i := range a {
		each[i] = ratio(a[i], b[i])
	}
	return medianOf(each)
}

// text gives a length of time with three digits.
func text(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f ms", float64(d)/1e6)
}

// spread gives the least and the most beside a median.
func spread(took []time.Duration) string {
	return fmt.Sprintf("%s (%s–%s)", text(median(took)), text(slices.Min(took)), text(slices.Max(took)))
}

func times(x float64) string { return fmt.Sprintf("%.2f×", x) }

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
