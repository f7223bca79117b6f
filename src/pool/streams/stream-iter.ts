/**
 * A flow in pipelines of node:stream/iter (Node 26, experimental), by the two protocols that it asks objects for. Their
 * symbols are registered ones, so that nothing of it has to be there.
 */
import { FlowIterator } from './message-iterator.js';
import type { Bytes } from '../../base/bytes.js';
import type { FlowReader } from '../flow/flow-reader.js';

/** What `from` and `pull` ask a source for: batches of bytes, so that many messages cost one turn. */
export const toAsyncStreamable = Symbol.for('Stream.toAsyncStreamable');
/** What `ondrain` asks a destination for. */
export const drainableProtocol = Symbol.for('Stream.drainableProtocol');

/** Messages of one batch at most: a reader that lags behind gets them in pieces. */
const BATCH = 64;

/** All messages that are queued, a batch at a time, until either side closes; otherwise as the iterator of messages. */
export function batchesOf(reads: FlowReader): AsyncIterableIterator<Bytes[]> {
  return new FlowIterator(reads, () => reads.readMessages(BATCH, undefined, 'iterator'));
}
