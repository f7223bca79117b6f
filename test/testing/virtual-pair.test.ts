import { describe, expect, it } from 'vitest';
import { virtualPair } from '../../src/testing/index.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: unknown) => (error as { code?: string }).code ?? error,
  );

describe('a virtual pair', () => {
  it('talks both ways, on channels too, while its time stands still', async () => {
    const { client, server, clock } = await virtualPair({ channels: [5] });
    await client.writeMessage('there');
    expect(await server.readText()).toBe('there');
    const [there, back] = await Promise.all([client.openChannel(5), server.openChannel(5)]);
    const large = Buffer.alloc(65_535, 7);
    const writing = Promise.all(Array.from({ length: 60 }, () => back.writeMessage(large)));
    // More than all the queues on the way hold.
    for (let message = 0; message < 60; message++) expect(large.equals((await there.readMessage())!)).toBe(true);
    await writing;
    expect(clock.now).toBe(0);
    await client.close();
    expect(await server.readMessage()).toBeNull();
    expect(await server.closed).toEqual({ by: 'remote' });
  });

  it('lets a deadline pass at its time and not before, and the flow go on', async () => {
    const { client, server, clock } = await virtualPair();
    client.setReadDeadline(Date.now() + 30 * SECOND);
    let ended: unknown = null;
    void codeOf(client.readMessage()).then((code) => (ended = code));
    await clock.advance(29 * SECOND);
    expect(ended).toBeNull();
    await clock.advance(2 * SECOND);
    expect(ended).toBe('ERR_POOL_TIMEOUT');
    client.setReadDeadline(null);
    await server.writeMessage('late');
    expect(await client.readText()).toBe('late');
    expect(clock.now).toBe(31 * SECOND);
  });

  it('keeps a session alive by heartbeats for hours, and changes its keys every 50 minutes', async () => {
    const { client, server, clock } = await virtualPair();
    await clock.advance(110 * MINUTE);
    const { rekeyCount } = await client.telemetry();
    expect(rekeyCount).toBeGreaterThanOrEqual(2);
    expect((await client.info()).packetsRecv).toBeGreaterThan(1000n);
    await client.writeMessage('still here');
    expect(await server.readText()).toBe('still here');
  });

  it('measures the latency of its network as a round trip', async () => {
    const { client, server, clock, network } = await virtualPair();
    network.latency = 40;
    await clock.advance(MINUTE);
    expect(Number((await client.telemetry()).rttNs) / 1e6).toBeCloseTo(80, 0);
    const reading = server.readText();
    await client.writeMessage('slow');
    await clock.advance(39);
    expect(await Promise.race([reading, Promise.resolve('not yet')])).toBe('not yet');
    await clock.advance(1);
    expect(await reading).toBe('slow');
  });

  it('loses a peer from which nothing comes any more after 20 s', async () => {
    const { client, server, clock, network } = await virtualPair();
    await clock.advance(7 * SECOND);
    network.silent = true;
    const reads = Promise.all([codeOf(client.readMessage()), codeOf(server.readMessage())]);
    await clock.advance(10 * SECOND);
    expect([client.state, server.state]).toEqual(['open', 'open']);
    await clock.advance(15 * SECOND);
    expect(await reads).toEqual(['ERR_POOL_PEER_LOST', 'ERR_POOL_PEER_LOST']);
  });

  it('ends an idle session, when it has been idle for so long', async () => {
    const { client, server, clock } = await virtualPair({ idleTimeout: 10 * MINUTE });
    await clock.advance(9 * MINUTE);
    await client.writeMessage('busy');
    await clock.advance(9 * MINUTE);
    expect(await server.readText()).toBe('busy');
    expect(client.state).toBe('open');
    await clock.advance(2 * MINUTE);
    // Both count the same minutes: who closes first is told by its own timer, the other by either.
    const ends = await Promise.all([client.closed, server.closed]);
    expect(ends.map(({ error }) => error?.code)).toContain('ERR_POOL_TIMEOUT');
  });

  it('shows a destroyed end to the other, behind what was sent', async () => {
    const { client, server } = await virtualPair();
    await client.writeMessage('last words');
    client.destroy();
    expect(await server.readText()).toBe('last words');
    expect(await codeOf(server.readMessage())).toBe('ERR_POOL_PEER_LOST');
  });

  it('refuses what it does not know, and time that is none', async () => {
    await expect(virtualPair({ timeout: 5 } as object)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    await expect(virtualPair({ channels: [0] })).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    const { clock } = await virtualPair();
    expect(() => clock.advance(-1)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
    expect(() => clock.advance('1' as unknown as number)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});
