import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const src = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src');

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

/** Every import, export-from and dynamic import of src; relative ones as paths below src, others as written. */
const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(join(src, from), 'utf8');
  const pattern =
    /^(?:import|export)\s+(type\s)?[^;'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;
  return [...text.matchAll(pattern)].map((match) => {
    const specifier = (match[2] ?? match[3] ?? match[4])!;
    const to = specifier.startsWith('.') ? relative(src, resolve(src, dirname(from), specifier)) : specifier;
    return { from, to, typeOnly: match[1] !== undefined };
  });
});

const folder = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '');
const show = (list: Import[]): string[] => list.map(({ from, to }) => `${from} -> ${to}`);

/** What every folder stands on. */
const isShared = (to: string): boolean => to.startsWith('base/');

/** Files of keys are read by the command line as by the API, and know no backend. */
const isForBoth = (from: string, to: string): boolean => folder(from) === 'cli' && to.startsWith('pool/identity/');

/** What each folder of src may import from src, itself and base apart. The picture is in docs/architecture.md. */
const below: Record<string, string[]> = {
  '': ['pool'],
  base: [],
  poolioc: [],
  poolnode: [],
  pool: ['poolioc', 'poolnode'],
  pooldev: ['poolioc', 'poolnode'],
  testing: ['pool', 'poolnode'],
  metrics: ['pool'],
  http: ['pool'],
  cli: ['', 'poolioc', 'pooldev', 'metrics', 'http'],
};

describe('the layers of src', () => {
  it('finds the imports it judges', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(imports.length).toBeGreaterThan(files.length);
  });

  it('knows every folder', () => {
    expect([...new Set(files.map(folder))].filter((name) => !(name in below))).toEqual([]);
  });

  it('imports downwards only', () => {
    const inside = imports.filter(({ to }) => to.endsWith('.js') && !to.startsWith('@'));
    const wrong = inside.filter(({ from, to }) => {
      if (isShared(to) || folder(to) === folder(from) || isForBoth(from, to)) return false;
      return !below[folder(from)]?.includes(folder(to));
    });
    expect(show(wrong)).toEqual([]);
  });

  it('keeps the kernel half and the user half of src/pool apart', () => {
    const halves = imports.filter(
      ({ from, to }) =>
        (from.startsWith('pool/kernel/') && to.startsWith('poolnode/')) ||
        (from.startsWith('pool/user') && to.startsWith('poolioc/')),
    );
    expect(show(halves)).toEqual([]);
  });

  it('knows backends only through the Backend interface, but for the file that selects one', () => {
    const backends = imports.filter(
      ({ from, to, typeOnly }) =>
        folder(from) === 'pool' &&
        !typeOnly &&
        !/^pool\/(kernel\/|user-)/.test(from) &&
        (/^pool\/(kernel\/|user-)/.test(to) || ['poolioc', 'poolnode'].includes(folder(to))) &&
        // A number is no backend: each stands in one file.
        !to.endsWith('/constants.js'),
    );
    expect([...new Set(backends.map(({ from }) => from))].filter((from) => from !== 'pool/select.ts')).toEqual([]);
  });

  it('lets the protocol do no I/O: no node: module but types', () => {
    const wrong = imports.filter(
      ({ from, to, typeOnly }) => from.startsWith('poolnode/protocol/') && !to.endsWith('.js') && !typeOnly,
    );
    expect(show(wrong)).toEqual([]);
  });

  it('lets the protocol know nothing of the shell around it', () => {
    const outside = imports.filter(
      ({ from, to }) =>
        from.startsWith('poolnode/protocol/') &&
        to.endsWith('.js') &&
        !to.startsWith('poolnode/protocol/') &&
        !isShared(to),
    );
    expect(show(outside)).toEqual([]);
  });

  it('loads koffi in one place, dynamically, and calls it in one file for each library', () => {
    const koffi = imports.filter(({ to, typeOnly }) => to === 'koffi' && !typeOnly);
    expect([...new Set(koffi.map(({ from }) => from))]).toEqual(['base/koffi.ts']);
    expect(readFileSync(join(src, 'base/koffi.ts'), 'utf8')).not.toMatch(/^import (?!type).*from 'koffi'/m);
    const callers = imports.filter(({ to, typeOnly }) => to === 'base/koffi.js' && !typeOnly).map(({ from }) => from);
    // The client's open and ioctl; the device's mount and process_vm_*; what both need of rings; the node's OpenSSL. None needs
    // a call of another's.
    expect([...new Set(callers)].sort()).toEqual([
      'pooldev/server-libc.ts',
      'poolioc/libc.ts',
      'poolioc/rings/ring-libc.ts',
      'poolnode/crypto/openssl.ts',
    ]);
  });

  it('asks where the code is in one file', () => {
    const asking = files.filter((file) =>
      /^(?!\s*[/*]).*\bimport\.meta\b/m.test(readFileSync(join(src, file), 'utf8')),
    );
    expect(asking).toEqual([join('base', 'code-url.ts')]);
  });

  it('imports the cipher in JavaScript in one file, and dynamically', () => {
    const noble = imports.filter(({ to }) => to.startsWith('@noble/'));
    expect([...new Set(show(noble))]).toEqual(['poolnode/crypto/portable-cipher.ts -> @noble/ciphers/chacha.js']);
    expect(readFileSync(join(src, 'poolnode/crypto/portable-cipher.ts'), 'utf8')).not.toMatch(
      /^import (?!type)[^;]*from '@noble/m,
    );
  });

  it('has no circle among its files', () => {
    const graph = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) {
      if (typeOnly || !to.endsWith('.js')) continue;
      graph.set(from, [...(graph.get(from) ?? []), to.replace(/\.js$/, '.ts')]);
    }
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      if (done.has(file) || path.includes(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });
});
