/** A connection, as programs have it. */
import type { SessionStateName } from '../../base/session.js';
import type { Channel } from './channel.js';
import type { Flow, FlowJson } from './flow.js';
import type { Peer } from '../identity/proven-peer.js';
import type { OpOptions } from '../op-options.js';
import type { Listener } from '../listener.js';
import type { SessionInfo, Telemetry } from '../telemetry.js';

/**
 * An established session. As a flow it carries channel 0 and every channel that was never opened on this side.
 *
 * `telemetry`, `info` and `sessionState` reject with ERR_POOL_CLOSED after this side's close, and with
 * ERR_POOL_NOT_ESTABLISHED once the session has ended otherwise.
 */
export interface Conn extends Flow {
  /** Session id: 32 hexadecimal digits, the same at both ends. */
  readonly id: string;
  /** What carries the session: the kernel module, or the node of this process. */
  readonly backend: 'kernel' | 'user';
  /** Slot in the session table. */
  readonly sessionIndex: number;
  /** The listener that accepted it, as on a net.Socket; null where this side dialled. */
  readonly server: Listener | null;
  /** What the peer proved of itself: null where `peers`, `identity` and `psk` were not asked for, and for a stranger. */
  readonly peer: Peer;
  /** The channels that this side has open, in the order of their numbers. */
  readonly channels: readonly Channel[];
  /**
   * Opens a channel; twice is the same Channel. From this call on, what comes for the channel is the Channel's and not
   * the Conn's; in the event-loop turn in which dial or accept settled it is never late.
   * @param channel 1..255
   * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, ERR_POOL_CLOSED, ERR_POOL_NOT_ESTABLISHED
   */
  openChannel(channel: number, options?: OpOptions): Promise<Channel>;
  /** The session's measurements. */
  telemetry(options?: OpOptions): Promise<Telemetry>;
  /** The session's line in the session table. */
  info(options?: OpOptions): Promise<SessionInfo>;
  /** The session's state, in pool.h's words. */
  sessionState(options?: OpOptions): Promise<SessionStateName>;
  toJSON(): ConnJson;
}

/** What JSON.stringify writes of a Conn. */
export interface ConnJson extends FlowJson, Pick<Conn, 'id' | 'backend' | 'sessionIndex'> {}
