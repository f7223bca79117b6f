/** Runs two digest-peer processes against each other on loopback. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Report } from './digest-peer.js';

export interface Exchange {
  server: Report;
  client: Report;
  seconds: number;
}

/** Each of the two sends `messages` messages, spread over `channels` channels. The seed fixes sizes and contents. */
export async function exchange(options: { messages: number; channels: number; seed: number }): Promise<Exchange> {
  const children: ChildProcess[] = [];
  const start = (port: number): ChildProcess => {
    const args = [port, options.seed, options.messages, options.channels].map(String);
    const file = fileURLToPath(new URL('./digest-peer.ts', import.meta.url));
    const child = fork(file, args, { execArgv: ['--import', 'tsx'] });
    children.push(child);
    return child;
  };
  try {
    const server = start(0);
    const port = await message<number>(server, 'the server');
    const reported = message<Report>(server, 'the server');
    const from = performance.now();
    const client = start(port);
    const [serverReport, clientReport] = await Promise.all([reported, message<Report>(client, 'the client')]);
    return { server: serverReport, client: clientReport, seconds: (performance.now() - from) / 1000 };
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

/** What the child says next, or an error when it ends before. */
async function message<T>(child: ChildProcess, who: string): Promise<T> {
  const settled = new AbortController();
  const ended = once(child, 'exit', { signal: settled.signal }).then(([code]) => {
    throw new Error(`${who} ended with ${String(code)} before it had said what it should`);
  });
  try {
    const [value] = (await Promise.race([once(child, 'message', { signal: settled.signal }), ended])) as [T];
    return value;
  } finally {
    settled.abort();
    await ended.catch(() => undefined);
  }
}
