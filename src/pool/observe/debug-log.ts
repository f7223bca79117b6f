/** NODE_DEBUG=pool-ts: the lives of connections on stderr, a line each. Names and numbers only, never payload or keys. */
import { debuglog } from 'node:util';
import type { PoolError } from '../../base/errors.js';
import type { ConnEvent, DiagnosticsPayloads } from './diagnostics.js';

const log = debuglog('pool-ts');

/** What each event of {@link DiagnosticsPayloads} reads as; null where another line tells it already. */
const LINES: { [Name in keyof DiagnosticsPayloads]: (payload: DiagnosticsPayloads[Name]) => string | null } = {
  'pool.conn.open': (event) => `${event.role === 'client' ? 'dialled' : 'accepted'} ${session(event)}`,
  'pool.conn.close': (event) => `end of ${session(event)}: ${event.end.error ? reason(event.end.error) : event.end.by}`,
  'pool.conn.error': () => null,
  'pool.channel.open': (event) => `channel ${event.channel} of ${session(event)} opened`,
  'pool.channel.close': (event) =>
    `channel ${event.channel} of ${session(event)} closed: ${event.end.error ? reason(event.end.error) : event.end.by}`,
  'pool.peer.authenticated': (event) =>
    `peer of ${session(event)}: ${event.peer.method === 'psk' ? 'has the pre-shared key' : event.peer.fingerprint}`,
  'pool.peer.refused': ({ role, remoteAddr, error }) =>
    `${role === 'client' ? 'refused at' : 'refused'} ${remoteAddr.toString()}: ${reason(error)}`,
  'pool.session.rekey': (event) => `rekey ${event.count} of ${session(event)}`,
  'pool.session.stall': (event) => `nothing read for ${event.ms} ms from ${session(event)}`,
  'pool.listener.drop': ({ localAddr, remoteAddr, reason: why, error }) =>
    `drop ${remoteAddr.toString()} at ${localAddr?.toString() ?? 'a listener'}: ${why}${error ? `, ${reason(error)}` : ''}`,
  'pool.backend.select': ({ backend, reason: why }) => `backend ${backend}: ${why}`,
};

/** Whether anybody asked for it. */
export function debugging(): boolean {
  return log.enabled;
}

/** One line for an event. */
export function debugEvent<Name extends keyof DiagnosticsPayloads>(
  name: Name,
  payload: DiagnosticsPayloads[Name],
): void {
  const line = LINES[name](payload);
  if (line !== null) log('%s', line);
}

/** Lines for the begin and the outcome of a dial or listen. */
export function debugOperation<T>(name: string, address: string, pending: Promise<T>): Promise<T> {
  log('%s %s', name, address);
  pending.then(
    () => log('%s %s: done', name, address),
    (error: unknown) => log('%s %s: failed, %s', name, address, error instanceof Error ? reason(error) : 'cancelled'),
  );
  return pending;
}

function session({ backend, sessionIndex, localAddr, remoteAddr }: ConnEvent): string {
  return `${backend} session ${sessionIndex}, ${localAddr.toString()} -> ${remoteAddr.toString()}`;
}

function reason(error: Error | PoolError): string {
  return 'code' in error ? `${error.message} (${error.code})` : error.message;
}
