/** The version that package.json names. Found by the package's own name: a bundler moves this file about. */
import { createRequire } from 'node:module';
import { codeUrl } from '../base/code-url.js';

export function version(): string {
  const require = createRequire(codeUrl);
  return (require('pool-ts/package.json') as { version: string }).version;
}
