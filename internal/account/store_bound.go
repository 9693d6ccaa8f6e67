package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

const proofColumns = `p.id, p.kind, p.state, p.reason, p.asked_at, coalesce(p.decided_at, 0), p.material, case when p.photo is null then 0 else 1 end, p.lifts`

func scanProof(r db.Row, more ...any) (ProofState, error) {
	var p ProofState
	var asked, decided, photo, lifts int64
	to := append([]any{(*int64)(&p.ID), (*string)(&p.Kind), (*string)(&p.State), &p.Reason, &asked, &decided, &p.Material, &photo, &lifts}, more...)
	err := r.Scan(to...)
	p.Asked, p.Photo, p.lifts = db.Time(asked), photo == 1, lifts == 1
	if decided != 0 {
		p.Decided = db.Time(decided)
	}
	return p, err
}

// proof gives where an account stands with a proof; a state of "" where nothing was asked.
func (s store) proof(ctx context.Context, account who.ID, kind Proof) (ProofState, error) {
	p, err := scanProof(s.db.Q(ctx).QueryRowContext(ctx, `select `+proofColumns+` from proofs p where p.account_id = $1 and p.kind = $2`, int64(account), string(kind)))
	if errors.Is(err, sql.ErrNoRows) {
		return ProofState{Kind: kind}, nil
	}
	if err != nil {
		return p, fmt.Errorf("read proof: %w", err)
	}
	return p, nil
}

// putProof stores a request in the place of any earlier one.
func (s store) putProof(ctx context.Context, p service.Pass, id, account who.ID, kind Proof, hash, material string, photo []byte, erase time.Time) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if err := s.dropProof(ctx, p, account, kind); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `insert into proofs (id, account_id, kind, state, hash, material, photo, reason, asked_at, erase_at) values ($1, $2, $3, $4, $5, $6, $7, '', $8, $9)`,
		int64(id), int64(account), string(kind), string(Asked), hash, material, photo, db.Ms(p.At), db.Ms(erase)); err != nil {
		return fmt.Errorf("store proof: %w", err)
	}
	return nil
}

func (s store) dropProof(ctx context.Context, p service.Pass, account who.ID, kind Proof) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from proofs where account_id = $1 and kind = $2`, int64(account), string(kind)); err != nil {
		return fmt.Errorf("remove proof: %w", err)
	}
	return nil
}

// waitingProof gives whose request this is, and of what; NotFound if it does not wait.
func (s store) waitingProof(ctx context.Context, id who.ID) (account who.ID, kind Proof, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select account_id, kind from proofs where id = $1 and state = $2`, int64(id), string(Asked)).Scan((*int64)(&account), (*string)(&kind))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", exit.Fail(exit.NotFound, "account.error.proof_gone")
	}
	if err != nil {
		return 0, "", fmt.Errorf("read proof: %w", err)
	}
	return account, kind, nil
}

// decideProof stores a decision. Of what is refused not even the hash stays.
func (s store) decideProof(ctx context.Context, p service.Pass, id who.ID, state Verdict, reason string, lifts bool, erase time.Time) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update proofs set state = $1, reason = $2, lifts = $3, decided_at = $4, erase_at = $5, hash = case when $1 = 'bound' then hash else '' end where id = $6`,
		string(state), reason, flag(lifts), db.Ms(p.At), db.Ms(erase), int64(id)); err != nil {
		return fmt.Errorf("store decision: %w", err)
	}
	return nil
}

// proofRequests gives requests that wait, by id, which is the order in which they were made.
func (s store) proofRequests(ctx context.Context, after who.ID, limit int) ([]ProofState, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+proofColumns+`, a.name,
		case when p.hash <> '' and exists (select 1 from proofs o where o.hash = p.hash and o.hash <> '' and o.account_id <> p.account_id and o.state = 'bound') then 1 else 0 end
		from proofs p join accounts a on a.id = p.account_id where p.state = 'asked' and p.id > $1 order by p.id limit $2`, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("list proofs: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (ProofState, error) {
		var name string
		var twice int64
		p, err := scanProof(r, &name, &twice)
		p.Account, p.Twice = name, twice == 1
		return p, err
	})
}

func (s store) proofPhoto(ctx context.Context, id who.ID) ([]byte, error) {
	var b []byte
	err := s.db.Q(ctx).QueryRowContext(ctx, `select photo from proofs where id = $1 and photo is not null`, int64(id)).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	return b, nil
}

// sweepProofs erases what was sent to be looked at, once it was decided and a day is almost over, or when nobody has looked for long: up
// to limit of them. What is left is that something is bound, or why not.
func (s store) sweepProofs(ctx context.Context, now time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `update proofs set material = '', photo = null, hash = case when state = 'asked' then '' else hash end, state = case when state = 'asked' then 'lapsed' else state end
		where id in (select id from proofs where (material <> '' or photo is not null) and erase_at <= $1 limit $2)`, db.Ms(now), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep proofs: %w", err)
	}
	return n, nil
}

// restrained gives accounts that may not write for a reason of this room's.
func (s store) restrained(ctx context.Context, reason string, limit int) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select account_id from reasons where what = 'mute' and scope = '' and reason = $1 order by account_id limit $2`, reason, limit)
	if err != nil {
		return nil, fmt.Errorf("find restrained accounts: %w", err)
	}
	return db.Scan(rows, scanID)
}

// restrainedOf gives those of the accounts that may not write for a reason.
func (s store) restrainedOf(ctx context.Context, reason string, accounts []who.ID) ([]who.ID, error) {
	list, args := service.In(2, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select account_id from reasons where what = 'mute' and scope = '' and reason = $1 and account_id in (`+list+`)`, append([]any{reason}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("find restrained accounts: %w", err)
	}
	return db.Scan(rows, scanID)
}
