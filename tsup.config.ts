import { existsSync } from 'node:fs';
import { defineConfig } from 'tsup';

// One entry per export of package.json, the command, and the workers, which are loaded by URL and so are files of their own.
const entries = {
  index: 'src/index.ts',
  'pool/index': 'src/pool/index.ts',
  'poolioc/index': 'src/poolioc/index.ts',
  'poolioc/worker': 'src/poolioc/worker.ts',
  'poolnode/index': 'src/poolnode/index.ts',
  'pooldev/index': 'src/pooldev/index.ts',
  'pooldev/worker': 'src/pooldev/worker.ts',
  'cli/main': 'src/cli/main.ts',
  'testing/index': 'src/testing/index.ts',
  'http/index': 'src/http/index.ts',
  'metrics/index': 'src/metrics/index.ts',
};

export default defineConfig({
  entry: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file))),
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  // scripts/build.mjs makes the declarations, in a quarter of the time.
  dts: false,
  splitting: true,
  // With this Rollup makes the CommonJS chunks. Else sucrase does, and moves public class fields behind private ones, which
  // breaks classes whose fields build on one another.
  treeshake: true,
  // What is built is as readable as its source: maps would be three quarters of the package.
  sourcemap: false,
  clean: true,
  // src/base/code-url.ts is the one file that asks where it is, and answers for CommonJS as well.
  shims: false,
  esbuildOptions(options, { format }) {
    if (format === 'cjs') options.define = { ...options.define, 'import.meta.url': 'undefined' };
  },
});
