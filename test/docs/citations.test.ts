/** What comments cite of the pages on the protocol and the kernel module is there: a search for the citation has to lead to the line. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../programs/run.js';
import { textOf } from './markdown.js';

/** A comment's text may go on in its next line. */
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(ROOT, 'src', name), 'utf8').replaceAll(/\n\s*(\*|\/\/) ?/g, ' ') }));

/** The first group of each match, with the file that it stands in. */
function cited(pattern: RegExp): { name: string; what: string }[] {
  return sources.flatMap(({ name, text }) => [...text.matchAll(pattern)].map(([, what = '']) => ({ name, what })));
}

test('headings of the wire protocol', () => {
  const headings = [...textOf('docs/wire-protocol.md').matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
  const citations = cited(/wire protocol,\s+([^.):;]+)/gi);
  expect(citations.length).toBeGreaterThan(15);
  expect(citations.filter(({ what }) => !headings.some((heading) => what.startsWith(heading)))).toEqual([]);
});

test('sections and hazards of the kernel contract', () => {
  const page = textOf('docs/kernel-contract.md');
  const citations = cited(/kernel[ -]contract(?:\.md)?,\s+([^.);]+)/gi);
  expect(citations.length).toBeGreaterThan(50);
  const numbersOf = (word: string, what: string) =>
    [...what.matchAll(new RegExp(`${word}s? ((?:\\d+(?:, | and | to )?)+)`, 'g'))].flatMap(([, list = '']) =>
      [...list.matchAll(/\d+/g)].map(Number),
    );
  const hazards = page.slice(page.indexOf('## 4. Hazards'), page.indexOf('## 5. '));
  const missing = citations.filter(({ what }) => {
    const sections = numbersOf('section', what);
    const numbers = numbersOf('hazard', what);
    if (sections.length + numbers.length === 0) return true;
    return (
      sections.some((number) => !page.includes(`\n## ${number}. `)) ||
      numbers.some((number) => !new RegExp(`^${number}\\. `, 'm').test(hazards))
    );
  });
  expect(missing).toEqual([]);
});
