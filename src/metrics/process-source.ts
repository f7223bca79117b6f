/** The sessions of this process, both backends, dialled and accepted. */
import { orLate } from '../base/timers.js';
import { openSessions, type ProcessSession, watchSessions } from '../pool/observe/process-sessions.js';
import type { SessionInfo } from '../pool/telemetry.js';
import { PATIENCE_MS, type SessionSample, type SessionSource } from './sample.js';
import type { SessionTotals } from './session-totals.js';

export function processSource(totals: SessionTotals): SessionSource {
  const unwatch = watchSessions((ended) => {
    infoOf(ended).then(
      (info) => info && totals.count(ended, info),
      () => {},
    );
  });
  return { sample: () => sampleSessions(totals), close: unwatch };
}

async function sampleSessions(totals: SessionTotals): Promise<SessionSample[]> {
  const samples = await Promise.all(
    [...openSessions()].map(async (session): Promise<SessionSample | null> => {
      const info = await infoOf(session);
      if (info === null) return null;
      totals.count(session, info);
      const peer = session.session.remoteAddr.toString();
      return { labels: { idx: String(info.index), peer, state: info.state }, figures: info };
    }),
  );
  return samples.filter((sample) => sample !== null);
}

/** Null for a session that is gone, or whose device doesn't answer. */
function infoOf({ session }: ProcessSession): Promise<SessionInfo | null> {
  return orLate(
    PATIENCE_MS,
    session.info().catch(() => null),
    null,
  );
}
