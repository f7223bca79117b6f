import {
  DEAD_AFTER_NS,
  HEARTBEAT_INTERVAL_NS,
  PACKET_TIMEOUT_NS,
  REKEY_INTERVAL_NS,
  REKEY_PACKETS,
} from './constants.js';
import type { SessionLimits } from './types.js';

/** The limits of a session: those given, the defaults for the rest. */
export function sessionLimits(given: Partial<SessionLimits> = {}): SessionLimits {
  return {
    rekeyPackets: given.rekeyPackets ?? REKEY_PACKETS,
    rekeyIntervalNs: given.rekeyIntervalNs ?? REKEY_INTERVAL_NS,
    heartbeatIntervalNs: given.heartbeatIntervalNs ?? HEARTBEAT_INTERVAL_NS,
    deadAfterNs: given.deadAfterNs ?? DEAD_AFTER_NS,
    packetTimeoutNs: given.packetTimeoutNs ?? PACKET_TIMEOUT_NS,
  };
}
