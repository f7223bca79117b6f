import { describe, expect, it, vi } from 'vitest';
import { CallerPins } from '../../../src/pooldev/memory/caller.js';
import { callerMemory } from '../../../src/pooldev/memory/caller-memory.js';
import { DirectCopy } from '../../../src/pooldev/memory/direct-copy.js';
import { loadServerLibc } from '../../../src/pooldev/server-libc.js';

const PAGE = 4096;
const PRESENT = 1n << 63n;
const FILE_OR_SHARED = 1n << 61n;
const WRITE_PROTECTED = 1n << 57n;
const SWAPPED = 1n << 62n;

/** A caller whose memory begins at address `PAGE`, with these entries of pagemap, one a page. */
function scripted(entries: bigint[], { alive = true } = {}) {
  const memory = Buffer.alloc(entries.length * PAGE, 'm');
  const copies: string[] = [];
  const copy = (name: string, local: Uint8Array, remote: Uint8Array): number => {
    copies.push(name);
    const length = Number(new BigUint64Array(remote.buffer)[1]);
    return new BigUint64Array(local.buffer)[1] === BigInt(length) ? length : -14;
  };
  const libc = {
    pageSize: PAGE,
    pread: () => (alive ? 5 : -3),
    preadAt(_fd: number, buffer: Uint8Array, length: number, offset: number) {
      const view = Buffer.from(buffer.buffer, buffer.byteOffset, length);
      let at = 0;
      for (; at < length; at += 8) {
        const entry = entries[(offset + at) / 8 - 1];
        if (entry === undefined) break;
        view.writeBigUInt64LE(entry, at);
      }
      return at;
    },
    processVmRead: (_pid: number, local: Uint8Array, remote: Uint8Array) => copy('read', local, remote),
    processVmWrite: (_pid: number, local: Uint8Array, remote: Uint8Array) => copy('write', local, remote),
    address: () => 0x1000n,
  };
  const caller = { pid: 7, uid: 1000, pin: 3, pages: () => 4, process: () => 1, release: () => {} };
  return { direct: new DirectCopy({ libc, uid: 1000 }), caller, copies, memory };
}

describe('DirectCopy', () => {
  const start = BigInt(PAGE);

  it.each([
    ['is there', PRESENT, true, true],
    ['is not there', 0n, false, false],
    ['is swapped out', SWAPPED, false, false],
    // Nobody is asked when it is read.
    ["is a file's or shared", PRESENT | FILE_OR_SHARED, true, false],
    ['is write-protected by userfaultfd', PRESENT | WRITE_PROTECTED, true, false],
  ])('looks at every page: one that %s', (_name, entry, reads, writes) => {
    for (const at of [0, 1, 2]) {
      const entries = [PRESENT, PRESENT, PRESENT];
      entries[at] = entry;
      const { direct, caller, copies } = scripted(entries);
      expect(direct.read(caller, start + 1n, 3 * PAGE - 1) !== null).toBe(reads);
      expect(direct.write(caller, start + 1n, new Uint8Array(3 * PAGE - 1))).toBe(writes);
      expect(copies).toEqual([...(reads ? ['read'] : []), ...(writes ? ['write'] : [])]);
    }
  });

  it('touches no page beside those of the message', () => {
    const { direct, caller } = scripted([0n, PRESENT, 0n]);
    expect(direct.read(caller, start + BigInt(PAGE), PAGE)).not.toBeNull();
    expect(direct.read(caller, start + BigInt(PAGE), PAGE + 1)).toBeNull();
    expect(direct.read(caller, start + BigInt(PAGE) - 1n, 1)).toBeNull();
  });

  it.each([
    ["another user's", { uid: 1001 }],
    ['one whose pages nobody shows', { pages: () => -13 }],
  ])('leaves a caller to the copying threads that is %s', (_name, change) => {
    const { direct, caller, copies } = scripted([PRESENT]);
    expect(direct.read({ ...caller, ...change }, start, 8)).toBeNull();
    expect(direct.write({ ...caller, ...change }, start, new Uint8Array(8))).toBe(false);
    expect(copies).toEqual([]);
    expect(direct.read({ ...caller, uid: 0 }, start, 8)).not.toBeNull();
  });

  it('copies nothing for a thread that is gone, and nothing beyond its memory', () => {
    const gone = scripted([PRESENT], { alive: false });
    expect(gone.direct.read(gone.caller, start, 8)).toBeNull();
    const { direct, caller, copies } = scripted([PRESENT]);
    expect(direct.read(caller, start + BigInt(PAGE), 8)).toBeNull();
    expect(direct.read(caller, 2n ** 56n - 8n, 8)).toBeNull();
    expect([...gone.copies, ...copies]).toEqual([]);
  });
});

describe.skipIf(process.platform !== 'linux')('DirectCopy on memory of this process', () => {
  const uid = process.geteuid?.() ?? 0;

  it('reads and writes what is there, and leaves the rest to the copying threads', async () => {
    const libc = await loadServerLibc();
    const pins = new CallerPins(libc);
    const copy = vi.fn(() => ({ cancel: () => false }));
    const memory = callerMemory({ copy }, pins, new DirectCopy({ libc, uid }));
    const caller = memory.pin({ pid: process.pid, uid })!;
    const there = Buffer.alloc(65_535, 'x');
    const read = vi.fn();
    memory.read(
      caller,
      libc.address(there),
      there.length,
      (error, bytes) => void read(error, Buffer.compare(bytes, there)),
    );
    expect(read.mock.calls).toEqual([[0, 0]]);
    const wrote = vi.fn();
    memory.write(caller, libc.address(there) + 1n, Buffer.from('written'), wrote);
    expect(wrote.mock.calls).toEqual([[0]]);
    expect(there.toString('latin1', 0, 9)).toBe('xwrittenx');
    expect(copy).not.toHaveBeenCalled();
    // Nobody has an address as low as this.
    memory.read(caller, 16n, 8, read);
    expect(copy).toHaveBeenCalledTimes(1);
    caller.release();
    pins.close();
  });
});
