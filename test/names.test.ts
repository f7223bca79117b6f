/** That the tree can be read by its names: rooms of a size that is taken in at a look, and one meaning for each name. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const src = fileURLToPath(new URL('../src', import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const namesIn = (folder: string): string[] =>
  files.filter((file) => dirname(file) === folder).map((file) => basename(file, '.ts'));

/** Names that are exported twice: what pool.h calls so, public names of two entries, and what a namespace import tells apart. */
const TWICE: Readonly<Record<string, string>> = {
  PacketType: "pool.h's, and the protocol's own",
  REKEY_PACKETS: "pool.h's, and the earlier one of this node",
  DEFAULT_PORT: "pool.h's, and the API's",
  PoolDevice: 'public: pool-ts/poolioc and pool-ts/pooldev',
  SessionInfo: 'public: pool-ts and pool-ts/poolioc',
  SessionEnd: 'public: pool-ts/poolnode and pool-ts/poolioc',
  listen: 'the API, and requests.listen',
};

/** Whether one letter changed, came or went makes one of the other. */
function oneLetterApart(a: string, b: string): boolean {
  if (a.length === b.length) return [...a].filter((letter, at) => letter !== b[at]).length === 1;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (long.length - short.length !== 1) return false;
  return [...long].some((_, at) => long.slice(0, at) + long.slice(at + 1) === short);
}

describe('the names of src', () => {
  it.each([
    ['pool', 20],
    ['pooldev', 14],
  ])('%s has at most %i files at its top', (folder, most) => {
    expect(namesIn(folder).length).toBeGreaterThan(0);
    expect(namesIn(folder).length).toBeLessThanOrEqual(most);
  });

  it('are not one letter apart within a folder', () => {
    const near = [...new Set(files.map(dirname))].flatMap((folder) => {
      const names = namesIn(folder);
      return names.flatMap((a, at) =>
        names
          .slice(at + 1)
          .filter((b) => oneLetterApart(a, b))
          .map((b) => `${folder}: ${a}, ${b}`),
      );
    });
    expect(near).toEqual([]);
  });

  it('mean one thing each where they are exported', () => {
    const places = new Map<string, Set<string>>();
    for (const file of files) {
      const text = readFileSync(join(src, file), 'utf8');
      const declared = /^export (?:abstract )?(?:async )?(?:class|interface|type|function\*?|const|enum) (\w+)/gm;
      for (const [, name] of text.matchAll(declared)) places.set(name!, (places.get(name!) ?? new Set()).add(file));
    }
    const twice = [...places].filter(([name, at]) => at.size > 1 && !(name in TWICE));
    expect(twice.map(([name, at]) => `${name}: ${[...at].join(', ')}`)).toEqual([]);
  });
});
