/** Two Conns joined in memory, as Go's `net.Pipe`: for tests of programs that talk over a Conn. */
import { namesOf, refuseUnknown } from '../base/option-names.js';
import type { Conn } from '../pool/flow/conn.js';
import { openConn, type ConnOptions } from '../pool/flow/session-conn.js';
import { DEFAULT_QUEUE_BYTES } from '../pool/constants.js';
import { memorySessions, type MemoryPairOptions } from './memory-session.js';

/** As the options of `dial` of the same names; of both ends. */
export interface PipeOptions extends MemoryPairOptions {
  /** Bytes that an end may hold unread before it stops reading. Default 1 MiB. */
  readQueueBytes?: number;
  /** Bytes that may wait to be sent before writers wait. Default 1 MiB. */
  writeQueueBytes?: number;
  /** ms without a message in either direction after which the session ends; 0, the default, is never. */
  idleTimeout?: number;
  /** Channels, 1 to 255, that are open before the first receive. */
  channels?: readonly number[];
}

const OPTIONS = namesOf<PipeOptions>({
  readQueueBytes: true,
  writeQueueBytes: true,
  idleTimeout: true,
  channels: true,
  maxMessageSize: true,
  wireBytes: true,
  addresses: true,
});

/**
 * Makes two Conns, each the other's peer. They are real Conns, on a session in memory instead of a network: bounded and
 * asynchronous, with channels, deadlines, and ERR_POOL_PEER_LOST at one end when the other is destroyed.
 * @throws PoolError ERR_INVALID_ARG_VALUE for an option that isn't there
 * @example const [client, server] = pipe();
 */
export function pipe(options: PipeOptions = {}): [Conn, Conn] {
  refuseUnknown(options, OPTIONS);
  const { readQueueBytes, writeQueueBytes, idleTimeout, channels, ...pair } = options;
  const connOptions: ConnOptions = {
    backend: 'user',
    readQueueBytes: readQueueBytes ?? DEFAULT_QUEUE_BYTES,
    writeQueueBytes: writeQueueBytes ?? DEFAULT_QUEUE_BYTES,
    idleTimeout: idleTimeout ?? 0,
    channels: channels ?? [],
  };
  const [first, second] = memorySessions(pair);
  return [openConn(first, connOptions), openConn(second, connOptions)];
}
