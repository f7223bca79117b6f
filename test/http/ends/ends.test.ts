/**
 * How connections end, with net as the oracle: each scenario runs over node:net and over POOL, and what each end saw, in its
 * order, is the same, but for what stands in the list of differences with its reason.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ConnEvent } from '../../../src/index.js';
import { note } from '../../require.js';
import { backend, behaviour, serverBackend } from '../pool-pair.js';
import { DIFFERENCES } from './differences.js';
import { End, type Party, type Socket } from './party.js';
import { protocolScenarios } from './protocol-scenarios.js';
import { socketScenarios, type SocketScenario } from './socket-scenarios.js';
import { pool, tcp, type Wire } from './wires.js';

type Seen = Record<string, readonly string[]>;

async function run(wire: Wire, scenario: SocketScenario, actor: 'client' | 'server'): Promise<Seen> {
  let accepted!: (socket: Socket) => void;
  const arrival = new Promise<Socket>((resolve) => (accepted = resolve));
  const place = await wire.serve((socket: Socket) => accepted(socket));
  const watch = watchConns();
  try {
    const client = place.connect();
    const connected = new Promise((resolve) => client.once('connect', resolve));
    const [server] = await Promise.all([arrival, connected]);
    const sockets = { client, server };
    const other = actor === 'client' ? 'server' : 'client';
    const end = (role: 'client' | 'server', peer: Socket): End => {
      if (wire === pool) return new End(sockets[role], watch.closed[role], (bytes) => came(sockets[role], bytes));
      // The system has taken what it was given, and has given it to the other socket, which is in the same system.
      return new End(sockets[role], new Promise((resolve) => peer.once('finish', resolve).once('close', resolve)));
    };
    const [a, b] = [end(actor, sockets[other]), end(other, sockets[actor])];
    await scenario({ a, b });
    await Promise.all([a.closed, b.closed]);
    return { a: a.party.seen, b: b.party.seen };
  } finally {
    watch.stop();
    await place.stop();
  }
}

/** When the Conn of each side has ended: what a Duplex that isn't read tells nobody. */
function watchConns(): { closed: Record<'client' | 'server', Promise<void>>; stop: () => void } {
  const told: Partial<Record<string, () => void>> = {};
  const closed = {
    client: new Promise<void>((resolve) => (told['client'] = resolve)),
    server: new Promise<void>((resolve) => (told['server'] = resolve)),
  };
  const note = (event: unknown): void => told[(event as ConnEvent).role]?.();
  subscribe('pool.conn.close', note);
  return { closed, stop: () => void unsubscribe('pool.conn.close', note) };
}

/** A stream of POOL counts also what was not read. */
async function came(socket: Socket, bytes: number): Promise<void> {
  while ((socket as Socket & { bytesRead: number }).bytesRead < bytes) await turn();
}

function compare(name: string, net: Seen, ours: Seen): void {
  const difference = DIFFERENCES[name];
  expect(ours).toEqual(difference?.pool ?? net);
  // A difference that is none any more leaves the list.
  if (difference !== undefined && !difference.chance) expect(ours).not.toEqual(net);
}

// A module may lose what was not received by the time of the CLOSE, and with it what these scenarios are about.
/**
 * Through a device an end takes several calls to tell, so that what follows a half of one may come in another order than
 * net's. What holds there all the same is the contract's.
 */
const throughDevice = backend !== 'user' || serverBackend !== 'user';
if (throughDevice) note('the ends as over net: user backends only, since through a device an end takes several calls');

describe.skipIf(throughDevice || behaviour.queuedAtClose !== 'kept')('the ends of a connection, as over net', () => {
  describe.each(['client', 'server'] as const)('the %s acts first', (actor) => {
    it.each(Object.entries(socketScenarios))('%s', async (name, scenario) => {
      compare(name, await run(tcp, scenario, actor), await run(pool, scenario, actor));
    });
  });

  it.each(Object.entries(protocolScenarios))('%s', async (name, scenario) => {
    const seen = (parties: Record<string, Party>): Seen =>
      Object.fromEntries(Object.entries(parties).map(([who, party]) => [who, party.seen]));
    compare(name, seen(await scenario(tcp)), seen(await scenario(pool)));
  });

  it('knows only differences of scenarios that are run', () => {
    const names = [...Object.keys(socketScenarios), ...Object.keys(protocolScenarios)];
    expect(names).toEqual(expect.arrayContaining(Object.keys(DIFFERENCES)));
  });
});
