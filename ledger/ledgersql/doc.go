// Package ledgersql keeps a ledger in a database, SQLite or PostgreSQL, beside the runs of package
// exitsql and in their transactions.
//
// [Store] is a [ledger.Store]. [Book] is all that a program needs for signed certificates: its
// methods are hooks of [exit.Engine]. It is made for one program or a few on one database: whoever
// ends an erasing step waits for its turn at the log until the step before it is committed. A server
// whose workers must not wait keeps receipts of its own and has one sequencer append their leaves to
// a Store in batches.
//
// No column refers to a subject. A receipt and its salt are kept until the certificate that holds
// them is made; a run that ends without one, because the person came back, leaves them there.
package ledgersql
