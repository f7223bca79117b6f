import { defineConfig } from 'vitest/config';

const project = (name: string, include: string[], exclude: string[] = []) => ({
  test: { name, include, exclude: ['**/node_modules/**', ...exclude], testTimeout: 60_000, hookTimeout: 60_000 },
});

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      project('unit', ['test/**/*.test.ts'], ['test/contract/**', 'test/vectors/**', 'test/device/**']),
      project('contract', ['test/contract/**/*.test.ts']),
      project('vectors', ['test/vectors/**/*.test.ts']),
      project('device', ['test/device/**/*.test.ts']),
    ],
  },
});
