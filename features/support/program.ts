/** Programs of their own that scenarios need: one that can be killed, one with a session table of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Program {
  /** The next line that it prints; rejects with what it wrote to stderr when it ends instead. */
  line(): Promise<string>;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Its exit code and everything that it wrote to stderr. */
  ended: Promise<{ code: number | null; stderr: string }>;
}

/** Starts features/programs/`name`.ts with this Node. */
export function startProgram(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const file = fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, stderr }));
  if (child.stdout === null) throw new Error(`program ${name} has no output`);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ended,
    async line() {
      const next = await lines.next();
      if (next.done !== true) return next.value;
      const { code } = await ended;
      throw new Error(`program ${name} ended with ${code} and said nothing more\n${stderr}`);
    },
    async kill(signal) {
      child.kill(signal);
      await ended;
    },
  };
}
