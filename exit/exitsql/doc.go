// Package exitsql keeps runs in a database: SQLite or PostgreSQL, through database/sql, with
// whatever driver its user has opened.
//
// Transactions travel in the context ([WithTx], [Tx]), so what a holder deletes, the step's cursor
// and its counts change together or not at all. [Store] is the run store, [Table] the few lines
// with which a holder erases a table of its own.
//
// On SQLite the writer is one connection whose transactions begin immediately; an example of a
// name for modernc.org/sqlite:
//
//	file:app.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_txlock=immediate
//
// # Columns that refer to a subject
//
// exit_runs.subject (the whole subject, "account:7"), exit_runs.owner (the person whose last
// account it is) and exit_steps.subject (where it is not the run's). exit_steps.choice may name
// somebody else: the heir of an offer. An [exit.Alteration] with Forget empties all four, in every
// run of the subject: a run that is still open, or finishing a step, loses them when it is through.
// Plans and details are stored without them.
package exitsql
