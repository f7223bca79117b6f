/**
 * Every code block of the documentation is used here: run where it can run, else checked, and then PLAN says why. Without
 * an entry in PLAN a program runs by itself, and its output has to be what the comments behind its console.log say; the
 * commands of a shell block have to exist.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { killAll, ROOT, run, start } from '../programs/run.js';
import { fuse } from '../require.js';
import { type Block, blocksOf, documents } from './markdown.js';

const AS_COMMENTED = 'as its comments say';

type Plan =
  /** Runs, with the server of the quick start when `server` says so; standard output has to match, or be what it says. */
  | { how: 'run'; server?: boolean; prints: RegExp | typeof AS_COMMENTED }
  /** The same with FUSE; where that is missing, type-checked. */
  | { how: 'fuse'; prints: RegExp | typeof AS_COMMENTED }
  /** Type-checked. */
  | { how: 'check'; why: string }
  /** Runs on a device file served for it, with the server of the quick start; where FUSE is missing, type-checked. */
  | { how: 'device'; prints: RegExp }
  /** The server of the quick start itself: runs under the others. */
  | { how: 'server' }
  /** Pasted into each of these REPLs (Node's own, or one below node_modules), whose output has to match. */
  | { how: 'repl'; programs: string[][]; prints: RegExp }
  /** Its commands have to be scripts or programs of the package. */
  | { how: 'commands'; why: string }
  | { how: 'read'; why: string };

const PLAN: Readonly<Record<string, Plan>> = {
  'README.md, Install, sh': { how: 'commands', why: 'installs from the registry' },
  'README.md, Install, sh 2': {
    how: 'commands',
    why: 'would run this test again; the workflow runs both from a clone',
  },
  'README.md, Quick start, ts': { how: 'server' },
  'README.md, Quick start, ts 2': { how: 'run', server: true, prints: /^hello POOL\n$/ },
  'README.md, Quick start, sh': { how: 'commands', why: 'the blocks before run' },
  'README.md, The command line, sh': { how: 'commands', why: 'test/cli runs each command' },
  'README.md, The command line, console': { how: 'read', why: 'a recording; test/cli runs each command' },
  'README.md, The command line, console 2': { how: 'read', why: 'the same' },
  'docs/guide/api-at-a-glance.md, A program, ts': {
    how: 'run',
    prints:
      /^127.* user backend\n11\n4 4\nchannel 5 data\nRTT: (\d+|\?)µs, Loss: 0%\nESTABLISHED \d+n\n127.0.0.1:9253\nnull remote$/m,
  },
  'docs/guide/getting-started.md, In a REPL, ts': {
    how: 'repl',
    programs: [
      ['-i'],
      ['tsx/dist/cli.mjs', '-i'],
      ['ts-node/dist/bin.js', '-i', '-T', '-O', '{"module":"commonjs","moduleResolution":"node10"}'],
    ],
    prints: /'hi'$/m,
  },
  'docs/guide/getting-started.md, In a REPL, sh': {
    how: 'commands',
    why: 'start the REPLs into which the block before is pasted',
  },
  'docs/guide/getting-started.md, JavaScript, ts': { how: 'server' },
  'docs/guide/getting-started.md, JavaScript, ts 2': { how: 'run', server: true, prints: AS_COMMENTED },
  'docs/guide/getting-started.md, TypeScript, ts': { how: 'run', server: true, prints: AS_COMMENTED },
  'docs/guide/observability.md, Diagnostics channels, ts': {
    how: 'run',
    prints: /^(?:client|server) on the user backend\n(?:client|server) on the user backend\n$/,
  },
  'docs/guide/recipes.md, OpenTelemetry, ts': {
    how: 'run',
    prints: /^\{"name":"dial 127\.0\.0\.1"\}\n\{"name":"dial 127\.0\.0\.1","error":"PoolError"\}\n$/,
  },
  'docs/guide/streams-and-http.md, TLS inside, ts': { how: 'check', why: 'a function; test/http runs TLS over POOL' },
  'docs/guide/backends-and-the-device.md, Which one is used, ts': {
    how: 'run',
    prints: /^user: backend 'user' was asked for\n$/,
  },
  'docs/guide/backends-and-the-device.md, The device itself, ts': { how: 'device', prints: /^hello POOL\n$/ },
  'docs/guide/backends-and-the-device.md, A device without the module, ts': { how: 'fuse', prints: AS_COMMENTED },
  'docs/guide/porting-from-pool-go.md, Echo server, ts': {
    how: 'check',
    why: 'it would serve for ever, on the default port; the one of the quick start runs',
  },
  'docs/guide/porting-from-pool-go.md, Client, ts': { how: 'run', server: true, prints: AS_COMMENTED },
  'docs/guide/porting-from-pool-go.md, The poolioc package, ts': { how: 'device', prints: /^hello\ntrue\n1\n$/ },
  'examples/README.md, How to run them, sh': { how: 'commands', why: 'the tests of the examples run the programs' },
};

/** For a block that PLAN doesn't name. */
function usual({ language }: Block): Plan {
  if (language === 'ts' || language === 'js') return { how: 'run', prints: AS_COMMENTED };
  if (language === 'sh') return { how: 'commands', why: 'changes the machine, or is run by another test' };
  return { how: 'read', why: 'no program of ours' };
}

const blocks = documents().flatMap(blocksOf);
const planned = <H extends Plan['how']>(how: H) =>
  blocks.flatMap((block) => {
    const plan = PLAN[block.key] ?? usual(block);
    return plan.how === how ? [{ ...block, plan: plan as Extract<Plan, { how: H }> }] : [];
  });

/** `console.log(x); // 5` says that the line 5 is printed. Blocks that print nothing have to print nothing. */
const promised = (code: string): string =>
  [...code.matchAll(/^.*\bconsole\.log\(.*\/\/ (.*)$/gm)].map(([, line = '']) => `${line}\n`).join('');

/** A folder with the package installed, and what stands beside it, as a user's. */
let folder = '';
let port = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pool-ts-docs-'));
  mkdirSync(join(folder, 'node_modules'));
  for (const [name, path] of [
    ['pool-ts', ROOT],
    ['prom-client', join(ROOT, 'node_modules/prom-client')],
  ] as const) {
    symlinkSync(path, join(folder, 'node_modules', name), 'junction');
  }
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, resolve));
  ({ port } = probe.address() as AddressInfo);
  await new Promise((resolve) => probe.close(resolve));
});
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FUSE = fuse();

/** The documentation's peer is this machine, its port a free one. */
const localised = (code: string): string =>
  code
    .replaceAll(/(?:10\.0\.0\.1|127\.0\.0\.1)?:9253(?=')/g, `127.0.0.1:${port}`)
    .replace("'10.0.0.1'", "'127.0.0.1'")
    .replace('peerPort: 9253', `peerPort: ${port}`);

function write({ key, language, code }: Block, text = code): string {
  const file = join(folder, `${key.replaceAll(/\W+/g, '-')}.${language === 'ts' ? 'mts' : 'cjs'}`);
  writeFileSync(file, text);
  return file;
}

async function quickStartServer(): Promise<void> {
  const [server] = planned('server');
  if (server === undefined) throw new Error('the quick start has no server');
  await start([write(server, localised(server.code))], { cwd: folder }).printed(/listening on/);
}

test('every block has a name of its own, and the plan names no other', () => {
  const keys = blocks.map(({ key }) => key);
  expect(keys.length).toBeGreaterThan(40);
  expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
  expect(Object.keys(PLAN).filter((key) => !keys.includes(key))).toEqual([]);
});

test('every server is that of the quick start', () => {
  const servers = planned('server').map(({ code }) => code);
  expect(servers.length).toBeGreaterThan(0);
  expect(new Set(servers).size).toBe(1);
});

test('every program of the documentation type-checks', () => {
  const files = blocks.filter(({ language }) => ['ts', 'js'].includes(language)).map((block) => write(block));
  expect(files.length).toBeGreaterThan(4);
  const program = ts.createProgram(files, {
    strict: true,
    noEmit: true,
    allowJs: true,
    checkJs: true,
    noImplicitAny: false, // a CommonJS program has no annotations
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    typeRoots: [join(ROOT, 'node_modules/@types')],
    types: ['node'],
  });
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start: at, messageText }) => {
    const line = file && at !== undefined ? file.getLineAndCharacterOfPosition(at).line + 1 : 0;
    return `${file?.fileName ?? ''}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  expect(problems).toEqual([]);
});

describe('programs run', () => {
  test.each(planned('run'))('$key', async (block) => {
    if (block.plan.server === true) await quickStartServer();
    const text = block.plan.server === true ? localised(block.code) : block.code;
    await printsWhatItSays(block, text);
  });
});

async function printsWhatItSays(
  block: Block & { plan: { prints: RegExp | typeof AS_COMMENTED } },
  text: string,
): Promise<void> {
  const { code, stdout, stderr } = await run([write(block, text)], { cwd: folder });
  expect(stderr).toBe('');
  if (block.plan.prints instanceof RegExp) expect(stdout).toMatch(block.plan.prints);
  else expect(stdout).toBe(promised(block.code));
  expect(code).toBe(0);
}

describe.skipIf(FUSE.missing)('programs run on a device file', () => {
  test.each(planned('device'))('$key', async (block) => {
    await quickStartServer();
    const device = join(folder, 'pool');
    const served = start([join(ROOT, 'dist/cli/main.js'), 'device', device, '--host', '127.0.0.1']);
    await served.printed(/serving/);
    const open = `Device.open(${JSON.stringify(device)})`;
    const text = localised(block.code).replace(/Device\.open\(('\/dev\/pool')?\)/, open);
    await printsWhatItSays(block, text);
    served.child.kill('SIGINT'); // it unmounts
    expect(await served.ended).toBe(0);
  });

  test.each(planned('fuse'))('$key', (block) => printsWhatItSays(block, block.code));
});

describe('what is pasted into a REPL', () => {
  const pasted = planned('repl').flatMap((block) => block.plan.programs.map((args) => ({ ...block, args })));
  test.each(pasted)('$key into $args', async ({ code, plan, args: [program = '', ...args] }) => {
    await quickStartServer();
    const script = program.startsWith('-') ? program : join(ROOT, 'node_modules', program);
    const repl = start([script, ...args], { cwd: folder });
    await repl.printed(/^> $/m);
    repl.child.stdin.write(localised(code));
    await repl.printed(plan.prints);
    repl.child.stdin.write('.exit\n');
    await repl.ended;
    expect(repl.output.stderr).toBe('');
    expect(repl.output.stdout).not.toMatch(/Uncaught|Error/);
  });
});

describe('commands exist', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    name: string;
    scripts: Record<string, string>;
    bin: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const commands = planned('commands').flatMap(({ key, code }) =>
    code
      .split(/\n|&&/)
      // The environment of a command, the rights that it needs, and what it may leave out.
      .map((command) => command.trim().replace(/^(?:[A-Z_]+=\S+ |sudo )*/, ''))
      .filter((command) => command !== '' && !command.startsWith('#'))
      .map((command) => ({ key, command })),
  );

  test.each(commands)('$command ($key)', ({ command }) => {
    const [tool, verb = '', argument = ''] = command.split(/\s+/);
    if (tool === 'node') return; // a program of the reader's
    if (['cat', 'tar', 'openssl'].includes(tool!)) return; // the system's
    if (tool === 'esbuild') return expect(Object.keys(manifest.devDependencies)).toContain(tool); // test/package bundles so
    if (tool === 'npx') {
      if (!(verb in manifest.bin)) expect(readdirSync(join(ROOT, 'node_modules/.bin'))).toContain(verb);
      if (argument.startsWith('examples/')) expect(() => readFileSync(join(ROOT, argument))).not.toThrow();
      return;
    }
    // test/package installs with each of these.
    if (['pnpm', 'yarn', 'bun', 'bunx', 'deno'].includes(tool!)) return;
    expect(tool).toBe('npm');
    if (verb === 'install') {
      const wanted = command.split(/\s+/).slice(2);
      const names = wanted.filter((word) => !word.startsWith('-')).map((word) => word.replace(/(?<=.)@\d+$/, ''));
      for (const name of names) {
        expect([manifest.name, ...Object.keys(manifest.devDependencies)]).toContain(name);
      }
    } else if (!['ci', 'init'].includes(verb))
      expect(Object.keys(manifest.scripts)).toContain(verb === 'run' ? argument : verb);
  });
});
