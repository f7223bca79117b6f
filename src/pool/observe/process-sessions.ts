/** The sessions of this process, for who watches over all of them; one list for the ESM and the CommonJS copy. */
import type { BackendSession } from '../backend.js';

/** A session that a Conn of this process owns. */
export interface ProcessSession {
  readonly backend: 'kernel' | 'user';
  readonly session: Pick<BackendSession, 'index' | 'id' | 'remoteAddr' | 'info'>;
}

/** Told of each session that ended, once. */
export type SessionEnded = (session: ProcessSession) => void;

interface ProcessSessions {
  open: Set<ProcessSession>;
  watchers: Set<SessionEnded>;
}

const KEY = Symbol.for('pool-ts.sessions');

const sessions = ownSessions(globalThis);

export function openSessions(): ReadonlySet<ProcessSession> {
  return sessions.open;
}

/** Returns what ends the watching. */
export function watchSessions(ended: SessionEnded): () => void {
  sessions.watchers.add(ended);
  return () => void sessions.watchers.delete(ended);
}

/** A session begins; returns what is to be called at its end. */
export function sessionOpened(session: ProcessSession): () => void {
  sessions.open.add(session);
  return () => {
    if (!sessions.open.delete(session)) return;
    for (const ended of sessions.watchers) ended(session);
  };
}

function ownSessions(owner: object): ProcessSessions {
  const shared = owner as { [KEY]?: ProcessSessions };
  if (shared[KEY] === undefined) {
    Object.defineProperty(shared, KEY, { value: { open: new Set(), watchers: new Set() } satisfies ProcessSessions });
  }
  return shared[KEY]!;
}
