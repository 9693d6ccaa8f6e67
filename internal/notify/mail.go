package notify

import (
	"context"

	"exeunt/internal/job"
)

// Kinds of the room's jobs.
const (
	jobMail  = "notify.mail"
	jobProve = "notify.prove"
)

// Post sends e-mail.
type Post interface {
	// Send hands a whole message (RFC 5322, lines ended by CRLF) for one address to the next server.
	Send(ctx context.Context, to string, message []byte) error
}

// queueMail adds a job for each notice that its account wants by e-mail.
func (r *Room) queueMail(ctx context.Context, rows []row) error {
	if r.Post == nil || r.Queue == nil {
		return nil
	}
	for _, x := range rows {
		if !x.mail {
			continue
		}
		if err := r.Queue.Add(ctx, job.Job{Kind: jobMail, Ref: x.id.String(), Account: x.To}); err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) mailJob(context.Context, job.Job) error { return nil }

func (r *Room) proveJob(context.Context, job.Job) error { return nil }
