/**
 * Where this code is. Every file of the package that asks takes it from here, and no other reads `import.meta`: a bundler that
 * makes CommonJS of ES modules leaves that empty (esbuild), and the package's own CommonJS has none.
 */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What tells of the running code where it is. */
export interface CodeTraces {
  /** `import.meta.url`: undefined in CommonJS. */
  readonly module: string | undefined;
  /** `__filename`: undefined in an ES module. */
  readonly file: string | undefined;
  /** `process.argv[1]`: undefined where no file was started. */
  readonly program: string | undefined;
}

/** The URL of the file that has the code: of a module, a CommonJS file, or else the program that was started. */
export function urlOfCode({ module, file, program }: CodeTraces): string {
  if (module !== undefined && module !== '') return module;
  return pathToFileURL(file ?? (program === undefined ? join(process.cwd(), 'index.js') : resolve(program))).href;
}

/** The file that this code is in: one of pool-ts, or what a bundler made of it. */
export const codeUrl = urlOfCode({
  module: import.meta.url,
  file: typeof __filename === 'string' ? __filename : undefined,
  program: process.argv[1],
});
