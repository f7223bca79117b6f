/** The planted faults of `npm run mutants`: one that applies no more, or names no test, would prove nothing. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
const faults = readdirSync(new URL('mutants/', import.meta.url)).filter((file) => file.endsWith('.patch'));

describe.each(faults)('the planted fault %s', (fault) => {
  const path = fileURLToPath(new URL(`mutants/${fault}`, import.meta.url));

  it('applies to the tree as it is', () => {
    const { stderr, status } = spawnSync('git', ['apply', '--check', path], { cwd: root, encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  });

  it('names tests that are there', () => {
    const tests = /^# tests: (.+)$/m.exec(readFileSync(path, 'utf8'))?.[1]?.split(/\s+/) ?? [];
    expect(tests).not.toEqual([]);
    expect(tests.filter((test) => !existsSync(`${root}${test}`))).toEqual([]);
  });
});
