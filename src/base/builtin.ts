/**
 * Modules of Node's that not every program needs, loaded at their first use: to load them all takes as long as the rest of an
 * import of this package. An `import` of one in an ES module besides reads all that it exports, and so makes whatever the
 * module makes when it is first asked for it: its promises, its web variants, the standard streams. Synchronous, and the same
 * in ES modules and in CommonJS.
 */
import type * as nodeCrypto from 'node:crypto';

/** One of Node's modules by its name, such as `node:dns`: Node's own, whatever a test runner has put in its place. */
export const builtin: typeof process.getBuiltinModule = (name: string) => process.getBuiltinModule(name);

/** `node:crypto`. */
export const cryptoModule = (): typeof nodeCrypto => builtin('node:crypto');
