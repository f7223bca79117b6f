import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Each project is a line of the counts at the end of `npm test`. Those outside `unit` have a folder of their own.
const folders = ['contract', 'vectors', 'device', 'package'];

const project = (name: string, include: string[], exclude: string[] = []) => ({
  test: {
    name,
    include,
    exclude: ['**/node_modules/**', ...exclude],
    setupFiles: ['test/key-material/every-file.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

export default defineConfig({
  test: {
    pool: 'forks',
    // vitest leaves one core to itself, which is half of a machine of two; much of what the tests do is to wait for a peer.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      project(
        'unit',
        ['test/**/*.test.ts'],
        folders.map((folder) => `test/${folder}/**`),
      ),
      ...folders.map((folder) => project(folder, [`test/${folder}/**/*.test.ts`])),
    ],
  },
});
