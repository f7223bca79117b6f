/** How a connection ended that was found broken: whether its peer closed in a regular way, which the table alone can tell. */
import type { KernelClock } from '../calls/kernel-clock.js';
import type { DeviceTable } from '../table/device-table.js';
import type { SessionProbe } from './session-probe.js';

/** ms in which the module's receiver thread finds out how a connection ended that a SEND found broken. */
const JUDGE_MS = 1000;
/** ms between two looks for it. */
const JUDGE_LOOK_MS = 20;

export interface EndJudgeDeps {
  clock: KernelClock;
  probe: SessionProbe;
  table: DeviceTable;
}

/** What becomes of the session; one of the two is called, at most once. */
export interface EndVerdict {
  /** Nobody asks any more: it has come to an end otherwise. */
  settled: () => boolean;
  peerClosed: () => void;
  /** It broke, or this can't be found out. */
  broke: () => void;
}

/**
 * The module says that the peer closed (CLOSING) before the receiver thread ends, so only a look at the table that begins when
 * the thread is gone can tell: one from before, and one while the thread still reads what the peer sent last, can't.
 */
export function judgeEnd(
  { index, id }: { index: number; id: string },
  { clock, probe, table }: EndJudgeDeps,
  { settled, peerClosed, broke }: EndVerdict,
): void {
  const until = clock.now() + JUDGE_MS;
  const again = (): void => {
    const gone = !probe.module || probe.receiverGone(index) || clock.now() >= until;
    table.refresh().then(
      (snapshot) => {
        if (settled()) return;
        const record = snapshot.at(index, id);
        if (record?.state === 'CLOSING') peerClosed();
        else if (gone || record === undefined) broke();
        else clock.after(JUDGE_LOOK_MS, again);
      },
      // The device is gone, which the session is told otherwise.
      () => {},
    );
  };
  again();
}
