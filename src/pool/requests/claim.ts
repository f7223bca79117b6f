/** One reader of requests or answers for a flow: two would take each other's messages. */
import { PoolError } from '../../base/errors.js';
import { wrongType } from '../../base/arguments.js';
import type { Channel } from '../flow/channel.js';
import type { Flow } from '../flow/flow.js';
import type { OpTarget } from '../op-error.js';

const claimed = new WeakSet<Flow>();

/** Takes the flow; gives what gives it back. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_POOL_LOCKED */
export function claim(flow: Flow): () => void {
  if (!isFlow(flow)) throw wrongType('the flow', 'a Conn or a Channel', flow);
  if (claimed.has(flow)) {
    throw new PoolError('ERR_POOL_LOCKED', 'requests or answers are read from this flow already; open another channel');
  }
  claimed.add(flow);
  return () => void claimed.delete(flow);
}

/** What errors call the flow. */
export function targetOf(flow: Flow): OpTarget {
  const { channel } = flow as Partial<Channel>;
  return channel === undefined ? { addr: flow.remoteAddr } : { addr: flow.remoteAddr, channel };
}

function isFlow(value: unknown): value is Flow {
  if (typeof value !== 'object' || value === null) return false;
  const { readMessages, writeMessage } = value as Partial<Flow>;
  return typeof readMessages === 'function' && typeof writeMessage === 'function';
}
