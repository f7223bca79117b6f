/** What this backend asks of a device; poolioc's Device is one, and a test's model of the module another. */
import type { PoolDevice } from '../../../poolioc/types.js';

export type { SessionInfo as DeviceSession, SyncDevice } from '../../../poolioc/types.js';

/** The requests that this backend makes. */
export type KernelDevice = Pick<
  PoolDevice,
  | 'listen'
  | 'stop'
  | 'connect'
  | 'sendMessages'
  | 'receiveMessages'
  | 'sessionRings'
  | 'sessions'
  | 'tableChange'
  | 'closeSession'
  | 'readyToClose'
  | 'channelSubscribe'
  | 'channelUnsubscribe'
  | 'sessionEnds'
  | 'onExit'
>;
