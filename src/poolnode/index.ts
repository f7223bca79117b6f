/** pool-ts/poolnode: a POOL node in user space, on Node's own TCP. */
export { PoolError, type PoolErrorCode, type PoolErrorDetails } from '../base/errors.js';
export { cryptographyInUse } from './crypto/cryptography.js';
export { createPoolNode } from './node.js';
export type {
  NodeOverrides,
  /** @deprecated the name until 0.2: {@link NodeOverrides}. */
  NodeOverrides as NodeInjections,
} from './node-deps.js';
export { processNode, type ProcessNodeOptions } from './process-node.js';
export { DEFAULT_MAX_SESSIONS, MAX_MESSAGE_SIZE } from './constants.js';
export type * from './types.js';
export type {
  RawTelemetry,
  /** @deprecated the name until 0.2: {@link RawTelemetry}. */
  RawTelemetry as NodeTelemetry,
  /** @deprecated the name until 0.2: {@link RefuseReason}. */
  RefuseReason as DropReason,
} from '../base/session.js';
export type {
  DiallerCredentials,
  Identity,
  ListenerCredentials,
  PreSharedKey,
  ProvenPeer,
} from './protocol/authentication/types.js';
