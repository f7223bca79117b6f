// Builds dist when a source is newer than it. The scripts that need dist call it first: ignore-scripts would skip a `prepare`.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

const inputs = [
  'src',
  'package.json',
  'tsup.config.ts',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/build.mjs',
].map((name) => newest(join(root, name)));
const built = statSync(join(root, 'dist/index.d.cts'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (built < Math.max(...inputs)) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
