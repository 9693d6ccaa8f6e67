package server

import (
	"context"
	"crypto/subtle"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/install"
	"exeunt/internal/notify"
	"exeunt/internal/service"

	"github.com/VictoriaMetrics/metrics"
)

// operatorWays are the pages of other rooms on the operator's desk, what waits for an answer first.
var operatorWays = []install.Way{
	{Icon: "gavel", Name: "moderate.title", About: "moderate.title.about", Href: "/moderation"},
	{Icon: "users-round", Name: "account.approvals.title", About: "account.approvals.short", Href: "/operator/approvals"},
	{Icon: "shield-check", Name: "account.requests.title", About: "account.requests.short", Href: "/operator/proofs"},
	{Icon: "users", Name: "account.list.title", About: "account.list.about", Href: "/operator/accounts"},
	{Icon: "calendar-days", Name: "leave.operator", About: "leave.operator_about", Href: "/operator/runs"},
	{Icon: "moon", Name: "sunset_operator.title", About: "sunset_operator.about_desk", Href: "/operator/sunsets"},
	{Icon: "clapperboard", Name: "channel.operator", About: "channel.operator.about", Href: "/operator/channels"},
	{Icon: "megaphone", Name: "notify.announce.title", About: "notify.announce.about", Href: notify.AnnouncePath},
	{Icon: "link", Name: "account.links.title", About: "account.links.short", Href: "/operator/invitations"},
	{Icon: "key-round", Name: "account.make_reset.title", About: "account.make_reset.about", Href: "/operator/reset"},
}

// gauges are read from the database at most this often, however often they are asked for.
const gaugesFresh = 5 * time.Second

// meter counts what the house does. It knows routes, never paths, and nobody.
type meter struct{ set *metrics.Set }

// measure makes the meter with its gauges.
func (h *House) measure() *meter {
	m := &meter{set: metrics.NewSet()}
	load := &cached{read: h.backlog, clock: h.Options.Clock.Now}
	for i, name := range []string{"exeunt_steps_due", "exeunt_steps_stuck", "exeunt_jobs_waiting"} {
		m.set.NewGauge(name, func() float64 { return load.get(i) })
	}
	return m
}

// backlog counts what is due and not done, what is stuck, and the jobs that wait.
func (h *House) backlog(ctx context.Context) (counts [3]float64, err error) {
	now, err := h.DB.Now(ctx)
	if err != nil {
		return counts, err
	}
	due, err := h.DB.Runs.Busy(ctx, now)
	if err != nil {
		return counts, err
	}
	stuck, err := h.Leave.Stuck(ctx, "", 0, 1000)
	if err != nil {
		return counts, err
	}
	jobs, err := h.Queue.Pending(ctx, 0)
	return [3]float64{float64(due), float64(len(stuck)), float64(jobs)}, err
}

// count notes an answered request.
func (m *meter) count(route string, status int, took time.Duration) {
	m.set.GetOrCreateCounter(fmt.Sprintf(`exeunt_requests_total{route=%q,status="%d"}`, route, status)).Inc()
	m.set.GetOrCreateSummary(fmt.Sprintf(`exeunt_request_seconds{route=%q}`, route)).Update(took.Seconds())
}

// observing are the routes by which machines watch the house.
func (h *House) observing() []service.Route {
	return []service.Route{
		{Pattern: "GET /healthz", Handle: h.getHealth},
		{Pattern: "GET /metrics", Handle: h.getMetrics},
	}
}

// getHealth answers whether the house can do its work: the database answers, and the ledger agrees with its list.
func (h *House) getHealth(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if _, err := h.DB.Now(ctx); err != nil {
		h.Options.Log.ErrorContext(ctx, "not healthy", "err", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, err = fmt.Fprintln(w, "the database does not answer")
		return err
	}
	_, err := fmt.Fprintln(w, "ok")
	return err
}

// getMetrics answers in the text format of Prometheus to the operator, or to whoever has the token of the
// install (serve --metrics-token-file).
func (h *House) getMetrics(w http.ResponseWriter, r *http.Request) error {
	token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	known := given && h.Options.MetricsToken != "" && subtle.ConstantTimeCompare([]byte(token), []byte(h.Options.MetricsToken)) == 1
	if !known && !service.ViewerOf(r.Context()).Operator {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.meter.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
	return nil
}

// cached reads the backlog once for all gauges of an answer.
type cached struct {
	read  func(ctx context.Context) ([3]float64, error)
	clock func() time.Time

	mu     sync.Mutex
	at     time.Time
	counts [3]float64
}

// get gives one of the counts; NaN where they cannot be read.
func (c *cached) get(i int) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.clock(); c.at.IsZero() || now.Sub(c.at) >= gaugesFresh {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) //nolint:forbidigo // a gauge is asked without a context
		defer cancel()
		counts, err := c.read(ctx)
		if err != nil {
			return math.NaN()
		}
		c.counts, c.at = counts, now
	}
	return c.counts[i]
}
