import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { codeUrl, urlOfCode } from '../../src/base/code-url.js';

describe('where the code is', () => {
  const odd = '/odd #a%20b/out.cjs';

  it.each([
    ['an ES module', { module: 'file:///m.mjs', file: '/f.cjs', program: '/p.js' }, 'file:///m.mjs'],
    ['CommonJS', { module: undefined, file: odd, program: '/p.js' }, pathToFileURL(odd).href],
    ['a bundle whose import.meta is empty', { module: '', file: odd, program: '/p.js' }, pathToFileURL(odd).href],
    ['neither', { module: undefined, file: undefined, program: odd }, pathToFileURL(odd).href],
    [
      'a prompt',
      { module: undefined, file: undefined, program: undefined },
      pathToFileURL(join(process.cwd(), 'index.js')).href,
    ],
  ])('is told in %s', (_, traces, url) => {
    expect(urlOfCode(traces)).toBe(url);
  });

  it('is the file itself here', () => {
    expect(codeUrl).toMatch(/^file:.*\/src\/base\/code-url\.ts$/);
  });
});
