/**
 * Every code block of the documentation is used here: run where it can run, else checked, and then PLAN says why. A block
 * that is not in PLAN fails the test, and so does an entry of PLAN without a block.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { killAll, ROOT, run, start } from './programs/run.js';
import { fuse } from './require.js';

interface Block {
  /** File, heading and language, and which of them where there are several. */
  key: string;
  language: string;
  code: string;
}

type Plan =
  /** Runs, with the server of the quick start when `server` says so; standard output has to match. */
  | { how: 'run'; server?: boolean; prints: RegExp }
  /** Runs on a device file served for it, with the server of the quick start; where FUSE is missing, type-checked. */
  | { how: 'device'; prints: RegExp }
  /** The server of the quick start itself: runs under the others. */
  | { how: 'server' }
  /** Typed into a REPL, whose output has to match. */
  | { how: 'repl'; program: string[]; prints: RegExp }
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
  'README.md, Quick start, ts 2': { how: 'run', server: true, prints: /^hello POOL$/m },
  'README.md, Quick start, js': { how: 'run', server: true, prints: /^hello POOL$/m },
  'README.md, In a REPL, ts': { how: 'repl', program: ['tsx/dist/cli.mjs', '-i'], prints: /'hi'/ },
  'README.md, In a REPL, sh': { how: 'commands', why: 'starts a REPL; the next block is typed into it' },
  'README.md, In a REPL, ts 2': {
    how: 'repl',
    program: ['ts-node/dist/bin.js', '-i', '-T', '-O', '{"module":"commonjs","moduleResolution":"node10"}'],
    prints: /^> 2$/m,
  },
  'README.md, API overview, ts': {
    how: 'run',
    prints:
      /^127.* user backend\n11\n4 4\nchannel 5 data\nRTT: \d+µs, Loss: 0%\nESTABLISHED \d+n\n127.0.0.1:9253\nnull remote$/m,
  },
  'README.md, The device itself, ts': { how: 'device', prints: /^hello POOL\n\d+ 3 \d+n\n32$/m },
  'README.md, The device itself, sh': {
    how: 'commands',
    why: 'would take /dev/pool; the block before runs on such a device',
  },
  'README.md, Architecture, text': { how: 'read', why: 'a picture' },
  'README.md, Testing, sh': { how: 'commands', why: 'would run this test again' },
  'examples/README.md, Examples, sh': { how: 'commands', why: 'the tests of the examples run the programs' },
};

function blocksOf(file: string): Block[] {
  const blocks: Block[] = [];
  const text = readFileSync(join(ROOT, file), 'utf8');
  let heading = '';
  for (const [, title, language = '', code = ''] of text.matchAll(/^#+ ([^\n]+)$|^```(\w*)\n(.*?)^```$/gms)) {
    if (title !== undefined) {
      heading = title;
      continue;
    }
    const key = `${file}, ${heading}, ${language}`;
    const same = blocks.filter((block) => block.key.startsWith(key)).length;
    blocks.push({ key: same === 0 ? key : `${key} ${same + 1}`, language, code });
  }
  return blocks;
}

const blocks = ['README.md', 'examples/README.md'].flatMap(blocksOf);
const planned = <H extends Plan['how']>(how: H) =>
  blocks.flatMap((block) => {
    const plan = PLAN[block.key];
    return plan?.how === how ? [{ ...block, plan: plan as Extract<Plan, { how: H }> }] : [];
  });

/** A folder with the package installed, as a user's. */
let folder = '';
let port = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pool-ts-readme-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/pool-ts'), 'junction');
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

test('every block is in the plan, and the plan names no other', () => {
  expect(blocks.map(({ key }) => key).sort()).toEqual(Object.keys(PLAN).sort());
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
    const { code, stdout, stderr } = await run([write(block, text)], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout).toMatch(block.plan.prints);
    expect(code).toBe(0);
  });
});

describe.skipIf(FUSE.missing)('programs run on a device file', () => {
  test.each(planned('device'))('$key', async (block) => {
    await quickStartServer();
    const device = join(folder, 'pool');
    const served = start([join(ROOT, 'dist/cli/main.js'), 'device', device, '--host', '127.0.0.1']);
    await served.printed(/serving/);
    const text = localised(block.code).replace('Device.open()', `Device.open(${JSON.stringify(device)})`);
    const { code, stdout, stderr } = await run([write(block, text)], { cwd: folder });
    served.child.kill('SIGINT'); // it unmounts
    expect(await served.ended).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(block.plan.prints);
    expect(code).toBe(0);
  });
});

describe('what is typed into a REPL', () => {
  test.each(planned('repl'))('$key', async ({ code, plan }) => {
    await quickStartServer();
    const [program = '', ...args] = plan.program;
    const repl = start([join(ROOT, 'node_modules', program), ...args], { cwd: folder });
    // A person waits for the prompt as well: what is typed before goes to the statement that still runs.
    let prompts = 0;
    for (const line of [...localised(code).trim().split('\n'), '.exit']) {
      prompts += 1;
      await repl.printed(new RegExp(`(?:^> [^]*?){${prompts}}$`, 'm'));
      repl.child.stdin.write(`${line}\n`);
    }
    await repl.ended;
    expect(repl.output.stderr).toBe('');
    expect(repl.output.stdout).not.toMatch(/Uncaught|Error/);
    expect(repl.output.stdout).toMatch(plan.prints);
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
      .map((command) => command.trim())
      .filter(Boolean)
      .map((command) => ({ key, command })),
  );

  test.each(commands)('$command ($key)', ({ command }) => {
    const [tool, verb = '', argument = ''] = command.split(/\s+/);
    if (tool === 'npx') {
      expect([...Object.keys(manifest.devDependencies), ...Object.keys(manifest.bin)]).toContain(verb);
      if (argument.startsWith('examples/')) expect(() => readFileSync(join(ROOT, argument))).not.toThrow();
      return;
    }
    expect(tool).toBe('npm');
    if (verb === 'install') expect(argument).toBe(manifest.name);
    else if (verb !== 'ci') expect(Object.keys(manifest.scripts)).toContain(verb === 'run' ? argument : verb);
  });
});
