/** The node that all of a process share, whichever copy of the package they loaded (ESM or CommonJS). */
import { PoolError } from '../base/errors.js';
import { refuseUnknown } from '../base/option-names.js';
import { checkMaxSessions } from './arguments.js';
import { DEFAULT_MAX_SESSIONS } from './constants.js';
import { createPoolNode } from './node.js';
import type { PoolNode } from './types.js';

const NODE = Symbol.for('pool-ts.node.v1');

/** Where the shared node is kept: globalThis, or a test's own object. */
type Holder = { [NODE]?: PoolNode };

/** Options of {@link processNode}. */
export interface ProcessNodeOptions {
  /** Size of the session table; default POOL_MAX_SESSIONS, else 1024. Fixed by the first use. */
  maxSessions?: number | undefined;
}

/**
 * The process's node, made on first use. Throws ERR_INVALID_ARG_VALUE when another `maxSessions` is asked for than the node
 * has, or when POOL_MAX_SESSIONS is no size of a table; ERR_INVALID_ARG_TYPE and ERR_OUT_OF_RANGE for a wrong option.
 */
export function processNode(
  options: ProcessNodeOptions = {},
  holder: object = globalThis,
  env: NodeJS.ProcessEnv = process.env,
): PoolNode {
  const held = holder as Holder;
  refuseUnknown(options, ['maxSessions']);
  const { maxSessions } = options;
  const asked = maxSessions === undefined ? undefined : checkMaxSessions(maxSessions);
  const node = (held[NODE] ??= createPoolNode({ maxSessions: asked ?? sizeFrom(env) }));
  if (asked !== undefined && asked !== node.maxSessions) {
    throw new PoolError(
      'ERR_INVALID_ARG_VALUE',
      `maxSessions is ${node.maxSessions} since the first dial or listen of this process and can't become ${asked}`,
    );
  }
  return node;
}

function sizeFrom(env: NodeJS.ProcessEnv): number {
  const text = env['POOL_MAX_SESSIONS'];
  if (text === undefined || text === '') return DEFAULT_MAX_SESSIONS;
  try {
    return checkMaxSessions(/^\d+$/.test(text) ? Number(text) : NaN);
  } catch (cause) {
    throw new PoolError(
      'ERR_INVALID_ARG_VALUE',
      `POOL_MAX_SESSIONS is ${JSON.stringify(text)}, no size of a session table`,
      {
        cause,
      },
    );
  }
}
