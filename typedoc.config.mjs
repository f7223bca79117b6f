// The API reference in docs/api, one page tree per entry of the package. `npm run docs` fails where something is undocumented.
import { existsSync, readFileSync } from 'node:fs';

const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const sources = Object.keys(exports).map((entry) =>
  entry === '.' ? 'src/index.ts' : `src/${entry.slice(2)}/index.ts`,
);

const hooks = ['_read', '_write', '_writev', '_final', '_destroy'];
const intentionallyNotDocumented = [
  ...['index.FlowDuplex', 'http.PoolSocket'].flatMap((stream) => hooks.map((hook) => `${stream}.${hook}`)),
  'http.PoolSocket._construct',
  'index.Addr.[custom]',
  'index.PoolError.[hasInstance]',
  'pooldev.PoolDevice.[asyncDispose]',
];

/** @type {import('typedoc').TypeDocOptions} */
export default {
  entryPoints: sources.filter((file) => existsSync(new URL(file, import.meta.url))),
  out: 'docs/api',
  name: 'pool-ts',
  readme: 'README.md',
  // Types are a check of their own, over tests and examples as well.
  skipErrorChecking: true,
  includeVersion: true,
  // Links into the sources would need a remote that git knows, and an unpacked archive has none.
  disableSources: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeInternal: true,
  excludeExternals: true,
  // As test/docs/docstrings.test.ts has it: exports and methods. Node's hooks on streams and symbols describe themselves.
  requiredToBeDocumented: ['Enum', 'Variable', 'Function', 'Class', 'Interface', 'Method', 'TypeAlias'],
  intentionallyNotDocumented,
  validation: { invalidLink: true, notDocumented: true, notExported: false, invalidPath: false },
  treatValidationWarningsAsErrors: true,
};
