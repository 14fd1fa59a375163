const unreachable: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH',
  'EHOSTDOWN', 'ENETDOWN', 'EADDRNOTAVAIL', 'ENOBUFS', 'EMFILE', 'ENFILE',
  'PROTOCOL_CONNECTION_LOST', 'PROTOCOL_SEQUENCE_TIMEOUT', 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR', 'POOL_CLOSED',
  'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
]); // prettier-ignore

/**
 * The database gave a transaction up for another one, and would take it now: deadlock, lock wait, snapshot outdated; of TiDB a
 * lock that could not be had at the commit, a commit to be tried again, a schema that was changed, a write conflict.
 */
const databaseAborted: ReadonlySet<unknown> = new Set([1213, 1205, 1020, 8002, 8022, 8028, 9007]);
/** TiDB has no number of its own for it. */
const abortedText = 'pessimistic lock retry limit reached';

/** True for an error after which the same transaction may be run again at once. */
export function isAborted(error: unknown): boolean {
  if (!(error instanceof Object)) return false;
  const { errno, message } = error as { errno?: unknown; message?: unknown };
  return databaseAborted.has(errno) || (typeof message === 'string' && message.includes(abortedText));
}

/** What MySQL, MariaDB and TiDB say when a statement or a connection can't be had now, but may be later. */
const databaseNotNow: ReadonlySet<unknown> = new Set([
  // no connection: too many (of all, of this user), no thread, host blocked, shutting down, killed, idle for too long
  1040, 1203, 1226, 1135, 1129, 1053, 1927, 4031, 1158, 1159, 1160, 1161, 2002, 2003, 2006, 2013, 3169,
  // read-only: the server, the transaction, a replica, a node that is not in its cluster
  1290, 1836, 1792, 3100, 1047,
  // disk full: tables, temporary files, the log; out of memory
  3, 28, 1021, 1026, 1114, 3675, 1598, 5, 1037, 1038, 1041,
  // statement interrupted or out of time
  1317, 1969, 3024,
  // TiDB's parts don't answer each other: the one that gives times, storage (late, busy), a lock's resolution, a region
  9001, 9002, 9003, 9004, 9005,
]); // prettier-ignore

/** 1030 and 1180 pass an error of the system or the engine on: 28 is "no space left", 122 the quota, 135 and 136 a full table. */
const fullDisk = /\berr(?:or|no):? (?:28|122|135|136)\b|no space left/i;

/** Errors of the Redis clients and of MongoDB's driver that have no code. The former don't set their `name`. */
const clientErrors: ReadonlySet<unknown> = new Set([
  'ClientClosedError', 'ClientOfflineError', 'DisconnectsClientError', 'SocketClosedUnexpectedlyError', 'SocketTimeoutError',
  'ConnectionTimeoutError', 'TimeoutError', 'MaxRetriesPerRequestError', 'MongoNetworkError', 'MongoNetworkTimeoutError',
  'MongoServerSelectionError', 'MongoTopologyClosedError', 'MongoNotConnectedError', 'MongoPoolClearedError', 'MongoPoolClosedError',
  'MongoServerClosedError',
]); // prettier-ignore

/** What MongoDB says of a node that is not, or no longer, the one to ask: the codes after which its drivers try again. */
const mongoNotNow: ReadonlySet<unknown> = new Set([6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]); // prettier-ignore

/** What Redis says while it loads, has no memory or disk, is or becomes a replica, is emptied, or has as many clients as it takes. */
const redisNotNow =
  /\b(?:LOADING|READONLY|OOM|MISCONF|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY|UNBLOCKED) |max number of clients/;
const isRedisReply = (name: string): boolean =>
  name === 'ErrorReply' || name === 'SimpleError' || name === 'BlobError' || name === 'ReplyError';

/** What drivers say, without a code, of a connection that was closed between two commands. */
const closedConnection =
  /^(?:Can't (?:add new command when connection is|write) in closed state|Connection is closed\.|Command timed out|Stream isn't writeable|Pool is closed|Socket timeout\.|The queue is full)/;

const maxDepth = 5;

/** True for errors that say "not now" (server gone, read-only, out of connections, disk full, lock not had) rather than "never". */
export function isUnavailable(error: unknown): boolean {
  for (let cause: unknown = error, depth = 0; cause instanceof Object && depth < maxDepth; depth += 1) {
    const given = cause as {
      code?: unknown; errno?: unknown; message?: unknown; extensions?: { code?: unknown };
      originalError?: unknown; previous?: unknown; cause?: unknown;
    }; // prettier-ignore
    const message = typeof given.message === 'string' ? given.message : '';
    const name = cause.constructor.name;
    if (isAborted(cause)) return true;
    if (unreachable.has(given.code) || databaseNotNow.has(given.errno) || clientErrors.has(name)) return true;
    if (name === 'MongoServerError' && mongoNotNow.has(given.code)) return true;
    if ((given.errno === 1030 || given.errno === 1180) && fullDisk.test(message)) return true;
    if (given.extensions?.code === 'SERVICE_UNAVAILABLE' || given.extensions?.code === 'DEADLINE_EXCEEDED') return true;
    if (closedConnection.test(message) || (isRedisReply(name) && redisNotNow.test(message))) return true;
    cause = given.originalError ?? given.previous ?? given.cause;
  }
  return false;
}
