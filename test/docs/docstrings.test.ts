/** Every export of the package has a docstring, and so has every method and every option of what is exported. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../programs/run.js';

const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: Record<string, object> };
const entries = Object.keys(exports)
  .map((name) => ({ name, file: join(ROOT, 'src', name, 'index.ts') }))
  .filter(({ file }) => existsSync(file));

const settings = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path));
const { options } = ts.parseJsonConfigFileContent(settings.config, ts.sys, ROOT);
const program = ts.createProgram(
  entries.map(({ file }) => file),
  options,
);
const checker = program.getTypeChecker();

function exported(file: string): ts.Symbol[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!;
  return checker
    .getExportsOfModule(module)
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol));
}

const documented = (symbol: ts.Symbol): boolean => symbol.getDocumentationComment(checker).length > 0;

/** Methods, and of options everything: the names of most other properties say what they are. */
function membersToDocument(symbol: ts.Symbol): ts.Symbol[] {
  const asked = symbol.name.endsWith('Options')
    ? ts.SymbolFlags.Method | ts.SymbolFlags.Property
    : ts.SymbolFlags.Method;
  return [...(symbol.members ?? new Map<string, ts.Symbol>()).values()].filter(
    // Names that begin so are Node's hooks (`_read`), private names, and symbols.
    (member) => member.flags & asked && !member.name.startsWith('_') && !member.name.startsWith('#'),
  );
}

test('finds the entries of the package', () => {
  expect(entries.map(({ name }) => name)).toEqual(expect.arrayContaining(['.', './pool', './poolioc', './poolnode']));
});

describe.each(entries)('$name', ({ file }) => {
  const symbols = exported(file);

  test('exports nothing without a docstring', () => {
    expect(symbols.length).toBeGreaterThan(0);
    expect(symbols.filter((symbol) => !documented(symbol)).map(({ name }) => name)).toEqual([]);
  });

  test('has no method and no option without a docstring', () => {
    const missing = symbols.flatMap((symbol) =>
      membersToDocument(symbol).flatMap((member) => (documented(member) ? [] : [`${symbol.name}.${member.name}`])),
    );
    expect(missing).toEqual([]);
  });
});
