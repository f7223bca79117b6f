import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parsePendingSignals, readPendingSignals } from '../../../src/pooldev/requests/pending-signals.js';

const { SIGALRM, SIGCHLD, SIGCONT, SIGINT, SIGKILL, SIGPROF, SIGQUIT, SIGSTOP, SIGTERM, SIGTSTP, SIGURG, SIGUSR1 } =
  constants.signals;

interface Masks {
  pending?: number[];
  shared?: number[];
  blocked?: number[];
  ignored?: number[];
  caught?: number[];
}

const mask = (signals: number[] = []): string =>
  signals
    .reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n)
    .toString(16)
    .padStart(16, '0');

const status = ({ pending, shared, blocked, ignored, caught }: Masks): string =>
  [
    'Name:\tprogram',
    'State:\tS (sleeping)',
    'SigQ:\t2/7000',
    `SigPnd:\t${mask(pending)}`,
    `ShdPnd:\t${mask(shared)}`,
    `SigBlk:\t${mask(blocked)}`,
    `SigIgn:\t${mask(ignored)}`,
    `SigCgt:\t${mask(caught)}`,
    'CapInh:\t0000000000000000',
    '',
  ].join('\n');

describe('pending signals', () => {
  const all = Array.from({ length: 64 }, (_, at) => at + 1);
  it.each<[string, Masks, { killed: boolean; meant: boolean }]>([
    ['nothing', {}, { killed: false, meant: false }],
    [
      'SIGURG to a Go program, which catches everything',
      { pending: [SIGURG], caught: all },
      { killed: false, meant: false },
    ],
    ['SIGPROF, SIGCHLD to the same', { shared: [SIGPROF, SIGCHLD, 33], caught: all }, { killed: false, meant: false }],
    ['SIGURG and SIGALRM', { pending: [SIGURG], shared: [SIGALRM], caught: all }, { killed: false, meant: true }],
    ['SIGUSR1 with a handler', { pending: [SIGUSR1], caught: [SIGUSR1] }, { killed: false, meant: true }],
    [
      'one that is blocked',
      { shared: [SIGUSR1], caught: [SIGUSR1], blocked: [SIGUSR1] },
      { killed: false, meant: false },
    ],
    ['SIGINT with a handler', { shared: [SIGINT], caught: [SIGINT] }, { killed: false, meant: true }],
    ['SIGKILL', { pending: [SIGKILL] }, { killed: true, meant: false }],
    [
      'SIGKILL to a program that catches everything',
      { pending: [SIGKILL], caught: all },
      { killed: true, meant: true },
    ],
    ['SIGTERM, SIGQUIT without a handler', { shared: [SIGTERM, SIGQUIT] }, { killed: true, meant: false }],
    ['SIGTERM ignored', { shared: [SIGTERM], ignored: [SIGTERM] }, { killed: false, meant: false }],
    ['a stop', { pending: [SIGSTOP], shared: [SIGTSTP, SIGCONT] }, { killed: false, meant: false }],
    ['the last real-time signal', { pending: [64], caught: [64] }, { killed: false, meant: true }],
  ])('%s', (_name, masks, expected) => {
    const found = parsePendingSignals(status(masks));
    expect(found.killed).toBe(expected.killed);
    if (!expected.killed) expect(found.meant).toBe(expected.meant);
  });

  it('may be anything where they are not to be read', () => {
    expect(readPendingSignals(0)).toEqual({ killed: false, meant: true });
  });

  it('are read of a living process', async () => {
    const child = spawn('sleep', ['100']);
    await new Promise((settle) => child.once('spawn', settle));
    expect(readPendingSignals(child.pid!)).toEqual({ killed: false, meant: false });
    child.kill('SIGKILL');
    await new Promise((settle) => child.once('exit', settle));
  });
});
