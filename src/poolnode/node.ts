import { connect } from 'node:net';
import { checkMaxSessions, checkNames } from './arguments.js';
import { monotonicClock } from './clock.js';
import { DEFAULT_MAX_SESSIONS } from './constants.js';
import { loadCryptography } from './crypto/cryptography.js';
import { dialFrom } from './dialer.js';
import { listenAt } from './listener.js';
import type { NodeOverrides, NodeDeps } from './node-deps.js';
import { createClientHandshake, createServerHandshake } from './protocol/index.js';
import { SessionTable } from './session/session-table.js';
import type { TcpSession } from './session/tcp-session.js';
import type { PoolNode, PoolNodeOptions } from './types.js';

/**
 * A POOL node in user space: a session table, dials and listeners over TCP. Most programs want the one that their process
 * shares, see processNode. Throws ERR_INVALID_ARG_TYPE or ERR_OUT_OF_RANGE for a wrong `maxSessions`.
 */
export function createPoolNode(options: PoolNodeOptions = {}, overrides: NodeOverrides = {}): PoolNode {
  checkNames('node', options);
  const maxSessions = checkMaxSessions(options.maxSessions ?? DEFAULT_MAX_SESSIONS);
  const clock = overrides.clock ?? monotonicClock;
  const table = new SessionTable<TcpSession>(maxSessions, options.reclaim);
  const shared = {
    clock,
    limits: overrides.limits ?? {},
    connect: overrides.connect ?? connect,
    protocol: overrides.protocol ?? { createClientHandshake, createServerHandshake },
    table,
    handshakeLimits: overrides.handshakeLimits ?? {},
    retainEnded: options.retainEnded ?? false,
  };
  let deps: NodeDeps | undefined;
  /** With the first dial or listen comes the cryptography, and what it loads: a program that only imports pays nothing. */
  const ready = async (): Promise<NodeDeps> => {
    const crypto = overrides.crypto ?? (await loadCryptography()).crypto;
    // Looked at after the wait: of several first calls, all must get the same, by which the node knows itself (selfSecret).
    return (deps ??= { ...shared, crypto });
  };
  return {
    maxSessions,
    dial: async (where) => {
      checkNames('dial', where);
      return dialFrom(deps ?? (await ready()), where);
    },
    listen: async (where) => {
      checkNames('listen', where);
      return listenAt(deps ?? (await ready()), where);
    },
    sessions: () => table.list(),
    session: (index) => table.get(index),
    giveBack: (message) => deps?.crypto.giveBack?.(message),
  };
}
