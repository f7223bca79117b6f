/** Makes Conns whose life can be followed on node:diagnostics_channel. */
import type { BackendSession } from '../backend.js';
import type { Conn } from './conn.js';
import { type ConnOptions, openConn } from './session-conn.js';
import { type ConnEvent, publish } from '../observe/diagnostics.js';
import type { FlowClosed } from './flow.js';
import type { Listener } from '../listener.js';
import type { CommonSettings } from '../options.js';
import { peerOf } from '../identity/proven-peer.js';
import { sessionOpened } from '../observe/process-sessions.js';

/** Makes the Conn of a session; called in the turn in which whoever waits for it gets it. */
export type MakeConn = (
  session: BackendSession,
  role: ConnEvent['role'],
  closed?: (end: FlowClosed) => void,
  server?: Listener,
) => Conn;

/** For sessions of one backend, with the options of the dial or listen that they come from. */
export function connMaker(backend: Conn['backend'], settings: CommonSettings, open = openConn): MakeConn {
  const { readQueueBytes, writeQueueBytes, idleTimeout, channels } = settings;
  return (session, role, closed, server) => {
    const event = (): ConnEvent => {
      const { index, id, localAddr, remoteAddr } = session;
      return { id, backend, sessionIndex: index, role, localAddr, remoteAddr };
    };
    const ended = sessionOpened({ backend, session });
    const options: Required<Omit<ConnOptions, 'timers'>> = {
      backend,
      readQueueBytes,
      writeQueueBytes,
      idleTimeout,
      channels,
      server: server ?? null,
      onChannelOpen: (channel) => publish('pool.channel.open', () => ({ ...event(), channel })),
      onChannelClose: (channel, end) => publish('pool.channel.close', () => ({ ...event(), channel, end })),
      onClose: (end) => {
        closed?.(end);
        ended();
        const { error } = end;
        if (error !== undefined) publish('pool.conn.error', () => ({ ...event(), error }));
        publish('pool.conn.close', () => ({ ...event(), end, info: session.lastInfo?.() ?? null }));
      },
      onRekey: (count) => publish('pool.session.rekey', () => ({ ...event(), count })),
      onStall: (ms) => {
        publish('pool.session.stall', () => ({ ...event(), ms }));
        warnStalled(session);
      },
    };
    // Before those of the channels that it opens at once.
    publish('pool.conn.open', event);
    const peer = peerOf(session.peer ?? null);
    if (peer !== null) publish('pool.peer.authenticated', () => ({ ...event(), peer }));
    return open(session, options);
  };
}

const WARNED = Symbol.for('pool-ts.stall-warned');

/** Once in a process, whichever copies of the package it loaded: wire protocol, What the protocol doesn't give. */
function warnStalled({ remoteAddr }: BackendSession): void {
  if (Object.hasOwn(globalThis, WARNED)) return;
  Object.defineProperty(globalThis, WARNED, { value: true });
  process.emitWarning(
    `nothing was read from ${remoteAddr.toString()} for 8 s, because the program does not read: a peer on the kernel ` +
      'module breaks its session after 10 s of that. Later stalls are published on pool.session.stall only',
    'PoolWarning',
    'POOL_READ_STALLED',
  );
}
