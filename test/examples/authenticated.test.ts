import { afterAll, afterEach, expect, test } from 'vitest';
import { keyFolder } from '../cli/peers/key-files.js';
import { killAll, run, start } from '../programs/run.js';

const AUTHENTICATED = 'examples/authenticated.ts';
const folder = keyFolder();
afterEach(killAll);
afterAll(() => folder.remove());

test('alone it shows both sides, and a stranger who is refused', async () => {
  const { code, stdout, stderr } = await run([AUTHENTICATED]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^ann \(SHA256:\S{43}\) came$/m);
  expect(stdout).toMatch(/^server \(SHA256:\S{43}\) says: hello, ann \(SHA256:\S{43}\)$/m);
  expect(stdout).toMatch(/^the stranger got ERR_POOL_AUTH_FAILED$/m);
});

test('two processes with keys converse, and another key gets nothing', async () => {
  const [server, client, stranger] = ['server', 'client', 'stranger'].map((name) => folder.identity(name));
  const listening = start([
    AUTHENTICATED,
    '--listen',
    '127.0.0.1:0',
    '--identity',
    server!.file,
    '--peers',
    client!.publicFile,
  ]);
  const [, address = ''] = await listening.printed(/listening on (\S+)/);
  const visit = (identity: string) =>
    run([AUTHENTICATED, '--connect', address, '--identity', identity, '--peers', server!.publicFile]);
  const known = await visit(client!.file);
  expect({ code: known.code, stderr: known.stderr }).toEqual({ code: 0, stderr: '' });
  expect(known.stdout).toContain(`server (${server!.fingerprint}) says: hello, client (${client!.fingerprint})`);
  const refused = await visit(stranger!.file);
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/refused/);
  listening.child.kill('SIGINT');
  expect(await listening.ended).toBe(0);
  expect(listening.output.stdout.match(/ came$/gm)).toHaveLength(1);
});

test.each([
  { args: ['--listen', ':0'], code: 2, says: /--identity and --peers/ },
  { args: ['--listen', ':0', '--connect', ':1'], code: 2, says: /one of/ },
  { args: ['--who'], code: 2, says: /--who/ },
  {
    args: ['--connect', '127.0.0.1:1', '--identity', '/nonexistent', '--peers', '/nonexistent'],
    code: 1,
    says: /nonexistent/,
  },
])('$args ends with $code and says why', async ({ args, code, says }) => {
  const ended = await run([AUTHENTICATED, ...args]);
  expect(ended.code).toBe(code);
  expect(ended.stderr).toMatch(says);
});
