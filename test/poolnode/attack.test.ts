/**
 * The attacks on admission as they are made: processes of their own against a listener with its usual limits. What is asserted
 * are counts of honest dials; how long they take is printed.
 */
import { describe, expect, it } from 'vitest';
import { createPoolNode } from '../../src/poolnode/index.js';
import type { NodeSession } from '../../src/poolnode/types.js';
import type { DialReport } from '../programs/dialler.js';
import { forked, said } from '../programs/forked.js';
import { Server } from './conversation.js';

/** A listener that answers each message with itself. */
async function echo(): Promise<Server> {
  const answer = (session: NodeSession): void => {
    session.start({
      message: (channel, data) => {
        session.send(channel, data);
        return true;
      },
      drain: () => {},
      end: () => {},
    });
  };
  return Server.listen({ session: answer }, createPoolNode());
}

async function dials(server: Server, from: string, count: number, spacing: number): Promise<DialReport> {
  const report = await said<DialReport>(forked('dialler', [server.port, from, count, spacing]));
  console.info(`${report.succeeded} of ${count} dials in ${report.ms} ms`, report.codes);
  return report;
}

/** Counts of drops by reason. */
function reasons({ drops }: Server): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of drops) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

describe('a listener', () => {
  it('loses none of 200 dials that come at once from one address', { timeout: 120_000 }, async () => {
    const server = await echo();
    const report = await dials(server, '127.0.0.1', 200, 0);
    expect(report).toMatchObject({ succeeded: 200, codes: [] });
    expect(server.drops).toEqual([]);
  });

  it.each([
    [16, 256],
    [16, 1100],
  ])(
    'serves honest dials from elsewhere while %d addresses hold %d silent connections and dial again at once',
    { timeout: 180_000 },
    async (addresses, connections) => {
      const server = await echo();
      await said(forked('attacker', [server.port, addresses, connections]));
      const report = await dials(server, '127.0.0.7', 40, 50);
      console.info(reasons(server));
      expect(report.succeeded).toBeGreaterThanOrEqual(38);
    },
  );

  it('serves dials from behind the address of 16 silent connections, too', { timeout: 180_000 }, async () => {
    const server = await echo();
    await said(forked('attacker', [server.port, 1, 16]));
    const report = await dials(server, '127.66.0.1', 40, 50);
    console.info(reasons(server));
    expect(report.succeeded).toBeGreaterThanOrEqual(38);
  });
});
