/** The page on the command line tells of every command, of options that exist, and of the exit codes there are. */
import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.js';
import { program } from '../../src/cli/program.js';
import { testTerminal } from '../cli/test-terminal.js';
import { blocksOf, documents, textOf } from './markdown.js';

const PAGE = 'docs/guide/command-line.md';
const page = textOf(PAGE);
const root = program(testTerminal());

test('the exit codes are those of the source', () => {
  const rows = [...page.matchAll(/^\| (\d+) \| `(\w+)` \|/gm)].map(([, code, name]) => [name, Number(code)]);
  expect(Object.fromEntries(rows)).toEqual(EXIT);
});

test.each(root.commands.map((command) => command.name()))('%s has a section with an example', (name) => {
  expect(page).toMatch(new RegExp(`^### ${name}\\n(?:(?!#).*\\n)*.*npx pool-ts ${name}\\b`, 'm'));
});

const lines = documents()
  .flatMap(blocksOf)
  .filter(({ language }) => language === 'sh')
  .flatMap(({ file, code }) => code.split('\n').map((line) => ({ file, line: line.trim() })))
  .filter(({ line }) => /\bnpx pool-ts [a-z]/.test(line));

describe('every command of the documentation has the options that it is shown with', () => {
  test.each(lines)('$line ($file)', ({ line }) => {
    // What is quoted is an argument, and may hold the options of another program.
    const words = line
      .replace(/^.*\bnpx pool-ts /, '')
      .replaceAll(/'[^']*'/g, 'quoted')
      .split(/\s+/);
    let command = root;
    for (const word of words) {
      const below = command.commands.find((one) => one.name() === word);
      if (below === undefined) break;
      command = below;
    }
    expect(command.name(), 'a command that exists').not.toBe('pool-ts');
    const known = command.options.flatMap(({ short, long }) => [short, long]);
    for (const word of words.filter((each) => /^--?[a-z]/.test(each))) expect(known).toContain(word.split('=')[0]);
  });
});
