import { afterEach, describe, expect, it } from 'vitest';
import { dial, listen, type Conn, type Listener } from '../../src/index.js';
import { FLAG, Peer, TYPE } from './peer.js';
import { randomBytes } from '../random.js';

/** The whole conversation with the independent peer, in both roles. */
const open: { destroy(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.destroy();
});

async function peerDials(): Promise<{ peer: Peer; conn: Conn; listener: Listener }> {
  const listener = await listen('127.0.0.1:0', { backend: 'user' });
  open.push({ destroy: () => void listener.close({ connections: 'destroy' }) });
  const [peer, conn] = await Promise.all([Peer.dial(listener.addr.port), listener.accept()]);
  open.push(peer, conn);
  return { peer, conn, listener };
}

async function peerListens(): Promise<{ peer: Peer; conn: Conn }> {
  const server = await Peer.listen();
  const [peer, conn] = await Promise.all([server.accepted, dial(`127.0.0.1:${server.port}`, { backend: 'user' })]);
  server.close();
  open.push(peer, conn);
  return { peer, conn };
}

describe.each([
  { role: 'the peer dials', pair: peerDials },
  { role: 'the peer listens', pair: peerListens },
])('with an independent peer, $role', ({ pair }) => {
  it('agrees on the session id', async () => {
    const { peer, conn } = await pair();
    expect(conn.id).toBe(peer.id.toString('hex'));
  });

  it('exchanges messages of every size class, on channels', async () => {
    const { peer, conn } = await pair();
    const five = await conn.openChannel(5);
    for (const size of [1, 1304, 65519]) {
      const message = randomBytes(size);
      peer.send(TYPE.DATA, message, { flags: FLAG.REQUIRE_ACK });
      expect(Buffer.compare((await conn.readMessage())!, message)).toBe(0);
      peer.send(TYPE.DATA, message, { flags: FLAG.REQUIRE_ACK, channel: 5 });
      expect(Buffer.compare((await five.readMessage())!, message)).toBe(0);
      await five.writeMessage(message);
      const echoed = await peer.receiveType(TYPE.DATA);
      expect(echoed.channel).toBe(5);
      expect(echoed.flags & FLAG.ENCRYPTED).toBe(FLAG.ENCRYPTED);
      expect(echoed.payload.equals(message)).toBe(true);
    }
  });

  it('takes fragments as the module sends them, and sends what one packet cannot hold as two', async () => {
    const { peer, conn } = await pair();
    const message = randomBytes(4000);
    peer.sendFragments(0, message);
    expect(Buffer.compare((await conn.readMessage())!, message)).toBe(0);

    const large = randomBytes(65535);
    await conn.writeMessage(large);
    const parts = [await peer.receiveType(TYPE.DATA), await peer.receiveType(TYPE.DATA)];
    expect(parts.map(({ flags }) => flags & (FLAG.FRAGMENT | FLAG.LAST_FRAG))).toEqual([8, 24]);
    expect(parts.map(({ payload }) => payload.readUInt16BE(6))).toEqual([65535, 65535]);
    expect(Buffer.concat(parts.map(({ payload }) => payload.subarray(8))).equals(large)).toBe(true);
  });

  it('counts its packets up by one from the handshake on', async () => {
    const { peer, conn } = await pair();
    const before = peer.lastReceived;
    await conn.writeMessages([randomBytes(1), randomBytes(2), randomBytes(3)]);
    const seqs = [await peer.receive(), await peer.receive(), await peer.receive()].map(({ seq }) => seq - before);
    const first = seqs[0]!;
    // A client's RESPONSE and a server's ACK came before; what follows leaves no gap.
    expect(seqs).toEqual([first, first + 1n, first + 2n]);
    expect(first).toBe(1n);
  });

  it('answers a heartbeat with an empty ACK that names it, and shows what it reports as the peer', async () => {
    const { peer, conn } = await pair();
    const telemetry = Buffer.alloc(44);
    telemetry.writeBigUInt64LE(123_456n, 0);
    const seq = peer.seq;
    peer.send(TYPE.HEARTBEAT, telemetry, { flags: FLAG.TELEMETRY });
    const answer = await peer.receiveType(TYPE.ACK);
    expect(answer.ack).toBe(seq);
    expect(answer.payload.length).toBe(0);
    expect((await conn.telemetry()).peer?.rttNs).toBe(123_456n);
  });

  it('echoes an MTU probe once', async () => {
    const { peer } = await pair();
    const probe = Buffer.alloc(600);
    probe.writeUInt16BE(600, 0);
    peer.send(TYPE.DISCOVER, probe);
    const echo = await peer.receiveType(TYPE.DISCOVER);
    expect(echo.flags).toBe(FLAG.ENCRYPTED);
    expect(echo.payload.equals(probe)).toBe(true);
  });

  it('answers the REKEY that a module starts, and goes on under the new keys', async () => {
    const { peer, conn } = await pair();
    peer.startRekey();
    peer.takeRekey(await peer.receiveType(TYPE.REKEY));
    peer.send(TYPE.DATA, Buffer.from('under new keys'), { flags: FLAG.REQUIRE_ACK });
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('under new keys');
    await conn.writeMessage('answer');
    expect((await peer.receiveType(TYPE.DATA)).payload.toString()).toBe('answer');
    expect((await conn.telemetry()).rekeyCount).toBe(1);
  });

  it('ignores types it has no use for, and never answers INTEGRITY', async () => {
    const { peer, conn } = await pair();
    peer.send(TYPE.CONFIG, Buffer.alloc(40));
    peer.send(TYPE.INTEGRITY, Buffer.alloc(40));
    peer.send(13, Buffer.alloc(40));
    peer.send(TYPE.DATA, Buffer.from('still here'));
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('still here');
    await conn.writeMessage('first');
    expect((await peer.receive()).type).toBe(TYPE.DATA);
  });

  it('ends with CLOSE in either direction', async () => {
    const { peer, conn } = await pair();
    peer.send(TYPE.DATA, Buffer.from('last words'));
    peer.send(TYPE.CLOSE, Buffer.alloc(0));
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('last words');
    expect(await conn.readMessage()).toBeNull();
    expect((await conn.closed).by).toBe('remote');

    const second = await pair();
    await second.conn.writeMessage('mine');
    await second.conn.close();
    expect((await second.peer.receiveType(TYPE.DATA)).payload.toString()).toBe('mine');
    expect((await second.peer.receive()).type).toBe(TYPE.CLOSE);
  });

  it('takes a FIN without CLOSE for a lost peer, after what was queued', async () => {
    const { peer, conn } = await pair();
    peer.send(TYPE.DATA, Buffer.from('queued'));
    peer.socket.end();
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('queued');
    await expect(conn.readMessage()).rejects.toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
  });

  /** Each lie, told after one good message: the good one arrives, nothing of the lie does, and the error names the fault. */
  const lies: [string, string, (peer: Peer) => Buffer][] = [
    [
      'a flipped bit in the payload',
      'ERR_POOL_AUTH_FAILED',
      (peer) => flip(peer.encode(3, 1, Buffer.from('evil')), 85),
    ],
    ['a flipped bit in the header', 'ERR_POOL_AUTH_FAILED', (peer) => flip(peer.encode(3, 1, Buffer.from('evil')), 46)],
    [
      'a skipped sequence number',
      'ERR_POOL_PROTOCOL',
      (peer) => ((peer.seq += 1n), peer.encode(3, 1, Buffer.from('evil'))),
    ],
    [
      'a repeated sequence number',
      'ERR_POOL_PROTOCOL',
      (peer) => ((peer.seq -= 1n), peer.encode(3, 1, Buffer.from('evil'))),
    ],
    ['a payload in clear', 'ERR_POOL_PROTOCOL', (peer) => peer.encode(3, 0, Buffer.from('evil'))],
    ['a compressed payload', 'ERR_POOL_PROTOCOL', (peer) => peer.encode(3, 3, Buffer.from('evil'))],
  ];
  it.each(lies)('ends the session on %s', async (_name, code, lie) => {
    const { peer, conn } = await pair();
    peer.send(TYPE.DATA, Buffer.from('good'));
    peer.socket.write(lie(peer));
    peer.send(TYPE.DATA, Buffer.from('later'));
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('good');
    await expect(conn.readMessage()).rejects.toMatchObject({ code });
    expect(await conn.closed).toMatchObject({ by: 'error', error: { code } });
  });
});

function flip(frame: Buffer, at: number): Buffer {
  frame[at]! ^= 1;
  return frame;
}

describe('a client of the independent peer', () => {
  it('is refused with a wrong proof, and the listener serves the next one', async () => {
    const listener = await listen('127.0.0.1:0', { backend: 'user' });
    open.push({ destroy: () => void listener.close({ connections: 'destroy' }) });
    await expect(Peer.dial(listener.addr.port, '127.0.0.1', { forgeProof: true })).rejects.toThrow(/FIN|close|RESET/i);
    const [peer, conn] = await Promise.all([Peer.dial(listener.addr.port), listener.accept()]);
    open.push(peer, conn);
    expect(conn.id).toBe(peer.id.toString('hex'));
  });
});
