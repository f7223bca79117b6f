/** `top` and `telemetry` as a person sees them: under a pseudo-terminal, with 20 live sessions of a device. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { textWidth } from '../../src/cli/screen/text-width.js';
import { hangUp } from '../cli/hang-up.js';
import { type Conn, dial, listen, type Listener } from '../../src/index.js';
import { fuse } from '../require.js';
import { hangUpAll, onTerminal, pty } from './pty.js';
import { CLI, type Served, serveDevice } from './served.js';

const SESSIONS = 20;

const SIZES = [
  { columns: 80, rows: 24 },
  { columns: 200, rows: 50 },
];

/** POOL_TEST_SCREENS names a folder for those who want to look at them. */
function keep(name: string, lines: readonly string[]): void {
  const folder = process.env['POOL_TEST_SCREENS'];
  if (folder !== undefined) writeFileSync(join(folder, `${name}.txt`), `${lines.join('\n')}\n`);
}

describe.skipIf(fuse().missing || pty().missing)('on a terminal, with 20 sessions of a device', () => {
  let served: Served;
  let listener: Listener;
  let conns: Conn[];
  let going = true;
  let traffic: Promise<void>[];

  beforeAll(async () => {
    served = await serveDevice();
    listener = await listen('127.0.0.1:0', { backend: 'user' });
    void listener.serve(async (conn) => {
      for await (const message of conn) await conn.writeMessage(message);
    });
    conns = [];
    for (let index = 0; index < SESSIONS; index += 1) {
      conns.push(await dial(listener.addr, { backend: 'kernel', device: served.path }));
    }
    traffic = conns.map((conn, index) => converse(conn, 10 << (index % 8)));
  });

  afterEach(hangUpAll);

  afterAll(async () => {
    going = false;
    await Promise.all(traffic);
    await Promise.all(conns.map((conn) => conn.close()));
    await listener.close({ connections: 'destroy' });
    await served.stop();
  });

  /** Different amounts on each session, with pauses, so that the rates differ. */
  async function converse(conn: Conn, size: number): Promise<void> {
    while (going) {
      await conn.writeMessage(new Uint8Array(size));
      await conn.readMessage();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const start = (command: string, size: { columns: number; rows: number }) =>
    onTerminal(`'${process.execPath}' '${CLI}' ${command}`, {
      ...size,
      env: { POOL_DEVICE: served.path, POOL_BACKEND: 'kernel' },
    });

  /** Nothing wrapped, nothing scrolled, and the terminal is its owner's again. */
  function expectGivenBack(screen: ReturnType<typeof onTerminal>['screen'], overflows = 0): void {
    expect(screen).toMatchObject({ overflows, alternate: false, cursorShown: true, wraps: true });
  }

  it.each(SIZES)('top is readable, aligned and does not wrap on $columns x $rows', async (size) => {
    const top = start('top --interval 0.2', size);
    // Every session has a measured round trip and a rate: the first heartbeat comes after 5 s.
    await top.shows(new RegExp(`(^ *\\d+ .*\\d [µm]?s .*B .*%.*$\\n?){${SESSIONS}}`, 'm'));
    const lines = top.screen.lines();
    keep(`top ${size.columns}x${size.rows}`, lines);
    const [summary = '', titles = '', ...rest] = lines;
    expect(summary).toMatch(/ 20 of 64 sessions {2}out [\d.]+ k?B\/s {2}in [\d.]+ k?B\/s/);
    const table = rest.slice(0, SESSIONS);
    for (const [at, line] of table.entries()) {
      expect(line).toMatch(new RegExp(`^ ?${at} +127\\.0\\.0\\.1:\\d+ `));
      expect(textWidth(line)).toBeLessThanOrEqual(size.columns);
      expect([...line.matchAll(/[▁▂▃▄▅▆▇█]+/g)]).toHaveLength(3);
      for (const title of ['RTT', 'OUT/s', 'IN/s', 'LOSS']) {
        const end = titles.indexOf(title) + title.length;
        expect(`${title}: ${line.slice(end - 1, end + 1)}`).toMatch(/: [Bs%] $/);
      }
    }
    expect(lines.at(-1)).toMatch(/^q quit /);

    top.type('t');
    await top.shows(/OUT\/s▼/);
    top.type('q');
    expect(await top.ended).toBe(0);
    expectGivenBack(top.screen);
  });

  it('top follows the size of its terminal, and counts what does not fit', async () => {
    const top = start('top --interval 3600', { columns: 80, rows: 24 });
    await top.shows(/^19 127/m);
    await top.resize(60, 15);
    await top.shows(/^… 9 more$/m);
    expect(top.screen.lines()[14]).toMatch(/^q quit/);
    // What was drawn for the old size and came after the change is no fault: the program had not been told yet.
    const { overflows } = top.screen;
    await top.kill('SIGTERM');
    expect(await top.ended).toBe(143);
    expectGivenBack(top.screen, overflows);
  });

  it.each(SIZES)('telemetry is readable, aligned and does not wrap on $columns x $rows', async (size) => {
    const telemetry = start(`telemetry ${listener.addr.toString()} --interval 0.1`, size);
    // The last line of a frame comes last: the line before it is blank once the round trip is known.
    await telemetry.shows(/^RTT +[\d.]+ [µm]s[^]*^jitter +\d[^]*\n\nq quit/m);
    const lines = telemetry.screen.lines();
    keep(`telemetry ${size.columns}x${size.rows}`, lines);
    expect(lines[0]).toMatch(/^127\.0\.0\.1:\d+, kernel backend {2}up \d+ s {2}ESTABLISHED {2}MTU \d+/);
    for (const name of ['RTT', 'out', 'in', 'loss', 'jitter', 'queue']) {
      expect(lines.filter((line) => line.startsWith(`${name} `))).toHaveLength(1);
    }
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(size.columns);
    // ^C: a character in raw mode, a signal for the command.
    telemetry.type('\x03');
    expect(await telemetry.ended).toBe(130);
    expectGivenBack(telemetry.screen);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('telemetry gives the screen back on %s', async (signal) => {
    const telemetry = start(`telemetry ${listener.addr.toString()}`, SIZES[0]!);
    await telemetry.shows(/every 1 s/);
    await telemetry.kill(signal);
    const code = await telemetry.ended;
    expect(code, telemetry.screen.text()).toBe({ SIGTERM: 143, SIGINT: 130, SIGHUP: 129 }[signal]);
    expectGivenBack(telemetry.screen);
  });

  it.each([true, false])('top ends by SIGHUP when its terminal hangs up, with the signal: %s', async (signal) => {
    const env = { POOL_DEVICE: served.path, POOL_BACKEND: 'kernel' };
    const { end, errors } = await hangUp(`'${process.execPath}' '${CLI}' top`, { shown: /q quit/, signal, env });
    expect(end, errors).toEqual({ code: null, signal: 'SIGHUP' });
    expect(errors).toBe('');
  });

  it('a device is unmounted when the terminal that it was started from hangs up', async () => {
    const path = join(dirname(served.path), 'hung up');
    const command = `'${process.execPath}' '${CLI}' device '${path}' --host 127.0.0.1`;
    const { end, errors } = await hangUp(command, { shown: /serving/, signal: true });
    expect(end, errors).toEqual({ code: null, signal: 'SIGHUP' });
    expect(existsSync(path)).toBe(false);
  });

  it('top gives the screen back and ends with 69 and one line when the device goes away', async () => {
    await using other = await serveDevice();
    const top = onTerminal(`'${process.execPath}' '${CLI}' top --interval 0.1 --device ${other.path}`, SIZES[0]!);
    await top.shows(/no sessions/);
    await other.stop();
    expect(await top.ended).toBe(69);
    expectGivenBack(top.screen);
    expect(top.screen.text()).toMatch(/^pool-ts top: /m);
  });
});
