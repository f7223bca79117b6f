/** CONNECT: a dial that a signal ends at once (kernel contract, section 2). */
import { AF_INET, AF_INET6 } from '../../poolioc/abi/constants.js';
import { ipFromBytes, isLinkLocal, isV4Mapped } from '../../base/ip.js';
import { Errno } from '../../base/errno.js';
import type { NodeSession, PoolNode } from '../../poolnode/types.js';
import type { DeviceCall } from './device-call.js';
import { connectErrno } from './node-errors.js';
import type { PendingSignals } from './pending-signals.js';
import type { ShownPeer } from './session-record.js';
import type { DeviceSlot } from './device-slot.js';

export class Connecting {
  readonly #node: PoolNode;
  readonly #slots: readonly DeviceSlot[];
  readonly #strict: boolean;
  readonly #dials = new Set<AbortController>();

  /** `strictModule`: any signal ends a dial, also those that runtimes send for their own sake. */
  constructor(node: PoolNode, slots: readonly DeviceSlot[], strictModule: boolean) {
    this.#node = node;
    this.#slots = slots;
    this.#strict = strictModule;
  }

  connect(call: DeviceCall): void {
    const peer = decodePeer(call.argument);
    const refused = refusal(peer);
    if (refused !== 0) {
      call.fail(refused);
      return;
    }
    const dial = new AbortController();
    this.#dials.add(dial);
    call.onInterrupt = ({ signals }) => {
      if (!this.#strict && !isMeant(signals())) return;
      dial.abort();
      call.fail(Errno.EINTR);
    };
    this.#node.dial({ host: ipFromBytes(peer.address), port: peer.port, signal: dial.signal }).then(
      (session) => {
        this.#dials.delete(dial);
        call.onInterrupt = null;
        this.#connected(call, session, peer, dial.signal.aborted);
      },
      (error: unknown) => {
        this.#dials.delete(dial);
        call.onInterrupt = null;
        call.fail(connectErrno(error));
      },
    );
  }

  /** Ends every dial: the device goes away. */
  abort(): void {
    for (const dial of this.#dials) dial.abort();
  }

  #connected(call: DeviceCall, session: NodeSession, peer: ShownPeer, givenUp: boolean): void {
    const slot = this.#slots[session.index];
    if (slot === undefined || givenUp) {
      session.destroy();
      session.release();
      call.fail(slot === undefined ? Errno.ENOSPC : Errno.EINTR);
      return;
    }
    slot.dialled(session, peer);
    call.succeed(session.index);
  }
}

/** 0, or why the module would refuse as well. */
function refusal({ address, port, family }: ShownPeer): number {
  // The module crashes the machine when it is asked for AF_INET (hazard 1); here it is the same dial as the other.
  if (family === AF_INET ? !isV4Mapped(address) : family !== AF_INET6 && family !== 0) return Errno.EAFNOSUPPORT;
  if (isLinkLocal(address)) return Errno.EINVAL;
  return port === 0 ? Errno.ECONNREFUSED : 0;
}

const isMeant = ({ killed, meant }: PendingSignals): boolean => killed || meant;

function decodePeer(argument: Buffer): ShownPeer {
  return {
    address: Uint8Array.from(argument.subarray(0, 16)),
    port: argument.readUInt16LE(16),
    family: argument.readUInt8(18),
  };
}
