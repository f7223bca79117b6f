/** pool-ts/pool: the public API. */
export { PoolError, POOL_ERROR_CODES, type PoolErrorCode, type PoolErrorDetails } from '../base/errors.js';
export type { Bytes, BytesInput } from '../base/bytes.js';
export { Addr } from './address/addr.js';
export type { Channel, ChannelJson } from './flow/channel.js';
export type { Conn, ConnJson } from './flow/conn.js';
export {
  DEFAULT_BACKLOG,
  DEFAULT_DEVICE,
  DEFAULT_PORT,
  DEFAULT_QUEUE_BYTES,
  MAX_PORTABLE_MESSAGE,
} from './constants.js';
export type { ConnEvent, DiagnosticsPayloads, DialTrace, ListenTrace, PeerRefused } from './observe/diagnostics.js';
export { dial } from './dial.js';
export type { DuplexOptions, FlowDuplex } from './streams/duplex.js';
export type { Flow, FlowClosed, FlowJson } from './flow/flow.js';
export { generateIdentity, type GeneratedIdentity, type IdentityInput } from './identity/identity.js';
export type { DialProofOptions, ListenProofOptions } from './identity/authentication.js';
export type { Peer } from './identity/proven-peer.js';
export type { PeersFunction, PeersInput } from './identity/peers.js';
export type { PskInput } from './identity/pre-shared-key.js';
export type { PublicKey } from '../base/public-key.js';
export { listen } from './listen.js';
export type { Listener, ListenerClosed, ListenerCloseOptions, ListenerConnections } from './listener.js';
export type { CloseOptions, OpOptions, ReadMessagesOptions } from './op-options.js';
export type { BackendChoice, CommonOptions, DialOptions, ListenOptions, Network, ResolveOptions } from './options.js';
export { resolve } from './address/resolve.js';
export { userCryptography } from './select.js';
export type { CryptoKind } from '../poolnode/types.js';
export { requester, type Requester, type RequestOptions } from './requests/requester.js';
export { respond, type IncomingRequest, type RequestHandler, type RespondOptions } from './requests/respond.js';
export { retry, type RetryOptions } from './retry.js';
export type { ServeOptions } from './serve.js';
export type { AddressInput } from './address/target.js';
export type { SessionInfo, Telemetry } from './telemetry.js';
export type { DropReason, RawTelemetry, SessionStateName as SessionState } from '../base/session.js';
export type { HandshakeOptions } from '../poolnode/types.js';
