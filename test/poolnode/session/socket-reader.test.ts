import * as net from 'node:net';
import { describe, expect, it } from 'vitest';
import { SocketReader } from '../../../src/poolnode/session/socket-reader.js';
import { rawServer, until } from '../conversation.js';

/** Two sockets that read into the buffer of the process, and what they were sent in many pieces. */
async function dialled(reader: SocketReader): Promise<{ socket: net.Socket; peer: net.Socket }> {
  let peer: net.Socket | undefined;
  const port = await rawServer((socket) => void (peer = socket));
  const { onread } = reader;
  const socket = net.connect({ host: '127.0.0.1', port, ...(onread === undefined ? {} : { onread }) });
  await until(() => peer !== undefined && !socket.connecting);
  return { socket, peer: peer! };
}

describe('SocketReader', () => {
  it('keeps what comes before anybody reads, and then gives each chunk once', async () => {
    const reader = new SocketReader(true);
    const { socket, peer } = await dialled(reader);
    peer.write('early');
    await until(() => socket.bytesRead === 5);
    const got: string[] = [];
    reader.start(socket, (chunk) => got.push(Buffer.from(chunk).toString()));
    socket.resume();
    peer.write(' and late');
    await until(() => got.join('') === 'early and late');
    reader.stop();
    socket.destroy();
  });

  it.skipIf(process.platform === 'win32')('lets sockets share memory without mixing what they bring', async () => {
    const readers = [new SocketReader(true), new SocketReader(true)];
    const ends = await Promise.all(readers.map(dialled));
    const got = ['', ''];
    const memory = new Set<ArrayBufferLike>();
    readers.forEach((reader, i) =>
      reader.start(ends[i]!.socket, (chunk) => {
        memory.add(chunk.buffer);
        got[i] += Buffer.from(chunk).toString();
      }),
    );
    const sent = ['a'.repeat(300_000), 'b'.repeat(300_000)];
    ends.forEach(({ peer }, i) => peer.write(sent[i]!));
    await until(() => got.every((text, i) => text.length === sent[i]!.length));
    expect(got).toEqual(sent);
    expect(memory.size).toBe(1);
    for (const { socket } of ends) socket.destroy();
  });
});
