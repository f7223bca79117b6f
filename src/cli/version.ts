/** The version that package.json names. Found by the package's own name: a bundler moves this file about. */
import { createRequire } from 'node:module';

export function version(): string {
  const require = createRequire(import.meta.url);
  return (require('pool-ts/package.json') as { version: string }).version;
}
