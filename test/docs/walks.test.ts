import { existsSync, readFileSync } from 'node:fs';
import { expect, describe, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/walks.md', root), 'utf8');

interface Step {
  step: number;
  name: string;
  file: string;
  from: number | null;
}

/** The tables of the page, by their headings. */
const walks = page
  .split(/^## /m)
  .slice(1)
  .map((section): [string, Step[]] => {
    const rows = [...section.matchAll(/^\| (\d+) \| `([^`]+)` \| (\S+) \| (\d*) ?\|/gm)];
    const steps = rows.map(([, step, name, file, from]) => ({
      step: Number(step),
      name: name!,
      file: file!,
      from: from === '' ? null : Number(from),
    }));
    return [section.split('\n', 1)[0]!, steps];
  });

/** From the line that matches to the one that ends what begins there, which is indented as much. */
function blockAt(text: string, begin: RegExp): string | null {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => begin.test(line));
  if (at < 0) return null;
  const indent = /^ */.exec(lines[at]!)![0];
  const length = lines
    .slice(at + 1)
    .findIndex((line) => new RegExp(`^${indent}\\S`).test(line) && /^\s*[}]/.test(line));
  return lines.slice(at, at + length + 2).join('\n');
}

/** What a function of a file consists of; null where the file has none of that name. */
function bodyOf({ name, file }: Step): string | null {
  const text = readFileSync(new URL(file, root), 'utf8');
  const [owner, method] = name.split('.');
  if (method === undefined) return blockAt(text, new RegExp(`^(export )?(async )?function ${owner}\\b`));
  const whole = blockAt(text, new RegExp(`^(export )?(abstract )?class ${owner}\\b`));
  return whole && blockAt(whole, new RegExp(`^  ((async|override|protected|readonly) )*${method}( =|\\(|<)`));
}

const own = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

describe.each(walks)('the walk %s', (_, steps) => {
  it('has its steps in a row', () => {
    expect(steps.length).toBeGreaterThan(10);
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, at) => at + 1));
  });

  it.each(steps)('$step, $name, is a function of $file', (step) => {
    expect(existsSync(new URL(step.file, root))).toBe(true);
    expect(bodyOf(step)).not.toBeNull();
  });

  it.each(steps.filter(({ from }) => from !== null))('$step, $name, is what step $from names', ({ name, from }) => {
    expect(bodyOf(steps[from! - 1]!)).toMatch(new RegExp(`(?<![\\w#])${own(name)}\\b`));
  });
});

it('finds the three walks', () => {
  expect(walks.map(([title]) => title)).toEqual([
    'From `writeMessage` to the socket',
    'From the socket to `readMessage`',
    'One ioctl: CONNECT',
  ]);
});
