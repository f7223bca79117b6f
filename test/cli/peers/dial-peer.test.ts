/** A dial for a person: peers that were met, that were not, and that have changed. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dialPeer, dialProofOptions } from '../../../src/cli/peers/dial-peer.js';
import { proving } from '../../../src/cli/repl/proving.js';
import type { ProofFlags } from '../../../src/cli/peers/proof-flags.js';
import { type Conn, dial, generateIdentity, listen, type Listener } from '../../../src/index.js';
import { type TestTerminal, testTerminal } from '../test-terminal.js';
import { type KeyFolder, keyFolder } from './key-files.js';

const KNOWN = { peers: 'known' };
const server = generateIdentity({ comment: 'the server' });
const other = generateIdentity();

let folder: KeyFolder;
let listener: Listener;
let port: number;
const opened: Conn[] = [];
beforeEach(async () => {
  folder = keyFolder();
  await listens(server.privateKey);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((conn) => conn.close()));
  await listener.close({ connections: 'close' });
  folder.remove();
});

async function listens(identity: typeof server.privateKey, at = 0): Promise<void> {
  listener = await listen(`127.0.0.1:${at}`, { backend: 'user', identity, peers: 'anyone' });
  port = listener.addr.port;
}

const file = (): string => join(folder.path, 'pool-ts', 'known_peers');
const name = (): string => `[127.0.0.1]:${port}`;

/** A terminal whose person gives these answers; null is nobody at it. */
function withPerson(answers: string[] | null): TestTerminal & { questions: string[] } {
  const questions: string[] = [];
  const terminal = Object.assign(testTerminal(), { questions });
  terminal.env['XDG_CONFIG_HOME'] = folder.path;
  if (answers !== null) {
    terminal.person = async () => ({
      ask: async (question) => {
        questions.push(question);
        return answers.shift() ?? null;
      },
      leave: () => {},
    });
  }
  return terminal;
}

async function dials(terminal: TestTerminal, flags: ProofFlags = KNOWN): Promise<Conn> {
  const conn = await dialPeer(terminal, `127.0.0.1:${port}`, flags, { backend: 'user', signal: terminal.stop });
  opened.push(conn, await listener.accept());
  return conn;
}

const refuses = (promise: Promise<unknown>, message: RegExp) =>
  expect(promise).rejects.toMatchObject({ exitCode: 76, message: expect.stringMatching(message) as string });

const met = (...lines: string[]): void => {
  mkdirSync(join(folder.path, 'pool-ts'), { recursive: true });
  writeFileSync(file(), lines.join('\n'), { mode: 0o600 });
};

describe('a peer that was never met', () => {
  it.each([['yes'], ['YES '], [server.fingerprint]])(
    'is dialled when the person says %s, and known from then on',
    async (answer) => {
      const terminal = withPerson([answer]);
      const conn = await dials(terminal);
      expect(conn.peer).toMatchObject({ fingerprint: server.fingerprint });
      expect(terminal.questions).toEqual([
        expect.stringContaining(`${name()} is not known. It proved the key ${server.fingerprint}.`),
      ]);
      expect(terminal.err()).toBe(`${name()} is known from now on, in ${file()}\n`);
      expect(readFileSync(file(), 'utf8')).toBe(`${name()} ${server.line.split(' ').slice(0, 2).join(' ')}\n`);
      expect(statSync(file()).mode & 0o777).toBe(0o600);
      const again = withPerson([]);
      await dials(again);
      expect([again.questions, again.err()]).toEqual([[], '']);
    },
  );

  it('is asked about until the answer is one', async () => {
    const terminal = withPerson(['', 'maybe', other.fingerprint, 'yes']);
    await dials(terminal);
    expect(terminal.questions.slice(1)).toEqual([
      expect.stringMatching(/^Type yes, no/),
      expect.stringMatching(/^Type yes, no/),
      expect.stringMatching(/another key/),
    ]);
  });

  it.each([['no'], []])('is not dialled when the person says %s', async (...answers) => {
    await refuses(dials(withPerson(answers)), /you did not trust its key/);
    expect(existsSync(file())).toBe(false);
  });

  it('is not dialled where nobody can be asked, and the line that would admit it is told', async () => {
    const refused = dials(withPerson(null));
    await refuses(refused, /is not known, and nobody is asked here/);
    const refusal: unknown = await refused.catch((error: unknown) => error);
    const [, line = ''] = /: (\[127.*)$/.exec((refusal as Error).message)!;
    met('# met', line);
    await dials(withPerson(null));
  });

  it('is not let in by a key that another address has', async () => {
    met(`[127.0.0.1]:1 ${server.line}`);
    await refuses(dials(withPerson(null)), /is not known/);
  });

  it('gets a line of its own behind a file that ends without a line end', async () => {
    met(`[127.0.0.1]:1 ${other.line}`);
    await dials(withPerson(['yes']));
    expect(readFileSync(file(), 'utf8').split('\n')).toEqual([
      `[127.0.0.1]:1 ${other.line}`,
      expect.stringContaining(name()),
      '',
    ]);
  });

  it('is no question where it proves nothing', async () => {
    const plain = await listen('127.0.0.1:0', { backend: 'user' });
    const terminal = withPerson(['yes']);
    const dialled = dialPeer(terminal, plain.addr, KNOWN, { backend: 'user', timeout: 300 });
    await expect(dialled).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' });
    expect(terminal.questions).toEqual([]);
    await plain.close({ connections: 'destroy' });
  });
});

describe('a peer whose key has changed', () => {
  it('is refused loudly, and nobody is asked', async () => {
    met('# a comment', `${name()} ${other.line}`);
    const terminal = withPerson(['yes']);
    await refuses(dials(terminal), /proved another key than the one that is known/);
    expect(terminal.questions).toEqual([]);
    expect(terminal.err()).toContain(`WARNING: THE KEY OF ${name()} HAS CHANGED\n`);
    expect(terminal.err()).toContain(`known:  ${other.fingerprint} (${file()}, line 2)\n`);
    expect(terminal.err()).toContain(`proven: ${server.fingerprint}\n`);
    expect(readFileSync(file(), 'utf8')).toBe(`# a comment\n${name()} ${other.line}`);
  });

  it('is refused where it changed while the person thought', async () => {
    const terminal = withPerson(null);
    terminal.person = async () => ({
      ask: async () => {
        const at = port;
        await listener.close({ connections: 'close' });
        await listens(other.privateKey, at);
        return 'yes';
      },
      leave: () => {},
    });
    await refuses(dials(terminal), /proved another key/);
    expect(terminal.err()).toContain('HAS CHANGED');
  });

  it('may have both keys in the file while it changes them', async () => {
    met(`${name()} ${other.line}`, `${name()} ${server.line}`);
    await dials(withPerson(null));
  });
});

it.each([
  ['a line that is none', 'nonsense', 0o600, /line 1: a line is \[host\]:port/],
  ['a line without a key', '[127.0.0.1]:1 ssh-ed25519 AAAA', 0o600, /line 1: what follows the address has no/],
  ['a mode that lets others write', '', 0o622, /others can add keys/],
])('a file of known peers with %s is refused before anything is dialled', async (_, text, mode, why) => {
  met(text);
  chmodSync(file(), mode);
  const terminal = withPerson(['yes']);
  await expect(dialPeer(terminal, '192.0.2.1:9', KNOWN, { backend: 'user' })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARG_VALUE',
    message: expect.stringMatching(why) as string,
  });
});

describe('where nobody is asked', () => {
  it('each stranger is told of once', async () => {
    const terminal = withPerson(['yes']);
    const options = await dialProofOptions(terminal, listener.addr, KNOWN, {});
    for (let time = 0; time < 2; time++) {
      await expect(dial(listener.addr, { backend: 'user', ...options })).rejects.toMatchObject({
        code: 'ERR_POOL_AUTH_FAILED',
      });
    }
    expect(terminal.questions).toEqual([]);
    expect(terminal.err().match(/is not known/g)).toHaveLength(1);
    met(`${name()} ${server.line}`);
    opened.push(await dial(listener.addr, { backend: 'user', ...options }), await listener.accept());
  });

  it('a REPL holds its dials to known peers, but for those that say whom they mean', async () => {
    const parts = proving({ dial, listen }, withPerson(null), KNOWN);
    await expect(parts.dial(listener.addr, { backend: 'user' })).rejects.toMatchObject({
      code: 'ERR_POOL_AUTH_FAILED',
    });
    opened.push(await parts.dial(listener.addr, { backend: 'user', peers: [server.line] }), await listener.accept());
    met(`${name()} ${server.line}`);
    opened.push(await parts.dial(listener.addr, { backend: 'user' }), await listener.accept());
    await expect(parts.listen('127.0.0.1:0', { backend: 'user' })).rejects.toMatchObject({ exitCode: 64 });
    await expect(parts.dial(listener.addr, 5 as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });
});
