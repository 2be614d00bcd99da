// Package natsd runs a NATS server with JetStream inside the program, for
// operators who have no NATS of their own. It is the only package that knows
// nats-server; everybody else sees a connection.
//
//	Start ─▶ prepare the folder ─▶ recover the streams ─▶ listen ─▶ ready
//	Stop  ─▶ close the clients  ─▶ close the streams   ─▶ all goroutines ended
//
// # What it promises
//
// JetStream syncs every write to disk before it acknowledges it (SyncAlways),
// because the daemon forgets an event once it is acknowledged: without this a
// power cut loses minutes of acknowledged messages. A message costs one sync,
// and an atomic batch of up to 1,000 messages costs one sync as well. A stream
// made with PersistMode async does away with the promise for itself.
//
// The store is in the folder `jetstream` inside Options.StoreDir, a name that
// nats-server gives. Streams and consumers are found again by the next server
// that is started there. Only the user who runs the daemon may enter StoreDir.
//
// Messages may have up to [MaxPayload] bytes, headers included. Clients see
// the limit in nats.Conn.MaxPayload.
//
// # When the disk was full
//
// A stream that could not be written once takes no more messages, even when
// there is space again, and answers publishers with silence, not with an
// error; a batch is told to be incomplete, and leaves a goroutine behind. That
// is nats-server 2.15. [Server.Healthy] tells, also that the disk is full, and
// [Server.Restart] mends it once there is space: it starts a new server on the
// same folder and address, to which connections reconnect. Nothing acknowledged
// is lost. That publishes are answered with silence it does not see itself.
//
// # When a process ends while it makes a stream
//
// nats-server describes a stream in one file and writes the checksum of that
// into another, and passes over a stream whose checksum is missing or wrong; a
// stream made again in that folder works, but is lost at every later start.
// Start mends this first: what was being made is removed, what was being
// changed is completed. Consumers are treated alike.
//
// # When the disk has damaged what it holds
//
// Start reads all that the store holds, and leaves nothing to nats-server that
// costs more than what is damaged. A message that cannot be read is made an
// erased one: nats-server would cut off all that follows it in its file of 8 MB,
// or ask for gigabytes of memory. A stream or a consumer that has lost its
// configuration is put aside. What was there before is kept as
// <name>.damaged-<time> beside nats-server's own folder, and the log tells it.
// Damage that comes while the server runs is found at the next start; until then
// nats-server passes over such a message, or cuts the file off.
//
// # What it does not do
//
// It does not lock the store, and neither does nats-server: two servers on one
// folder destroy each other's messages. The caller must hold the lock of the
// daemon's state before Start and until Stop has returned.
//
// It does not make streams, form a cluster, encrypt its listener, serve
// nats-server's monitoring pages, or handle signals. It never listens beyond
// this machine without a token. Nobody can log in to the system account.
package natsd
