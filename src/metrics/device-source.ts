/**
 * The session table of a device, all programs' sessions. Only SESSIONS is asked, one request at a time: on the module it
 * changes nothing, and a device that hangs costs one thread, however often it is scraped.
 */
import { ipFromBytes } from '../base/ip.js';
import { orLate } from '../base/timers.js';
import { Addr } from '../pool/address/addr.js';
import { openWithPoolioc } from '../pool/kernel/calls/open-device.js';
import type { DeviceSession, KernelDevice } from '../pool/kernel/calls/device.js';
import { keyOf, type SessionRecord, toRecord } from '../pool/kernel/table/table-row.js';
import { PATIENCE_MS, type SessionSample, type SessionSource } from './sample.js';
import type { SessionTotals } from './session-totals.js';

/** What is asked of a device. */
export type AskedDevice = Pick<KernelDevice, 'sessions'> & { close(): Promise<void> };

export interface DeviceSourceOptions {
  path: string;
  /** The device stopped answering, and why; told again when it has answered meanwhile. */
  down: (error: Error) => void;
  open?: (path: string) => Promise<AskedDevice>;
  /** ms that a scrape waits for the table. */
  patience?: number;
}

const LATE = Symbol('late');

export function deviceSource(
  totals: SessionTotals,
  { path, down, open = openWithPoolioc, patience = PATIENCE_MS }: DeviceSourceOptions,
): SessionSource {
  let device: AskedDevice | null = null;
  let closed = false;
  let isUp = true;
  /** What the totals know a session by: slot and id together, for slots are used again. */
  let known = new Map<string, object>();

  const letGo = (): void => {
    void device?.close().catch(() => {});
    device = null;
  };
  const fresh = async (): Promise<DeviceSession[]> => {
    const opened = await open(path);
    if (closed) {
      await opened.close();
      return [];
    }
    device = opened;
    return opened.sessions();
  };
  /** A server that ended and was started again has made another file: the one that is open stays dead. */
  const table = async (): Promise<DeviceSession[]> => {
    if (device === null) return fresh();
    try {
      return await device.sessions();
    } catch {
      letGo();
      return fresh();
    }
  };
  const told = (record: SessionRecord): SessionSample => {
    const { index, peerAddr, peerPort, state } = record;
    const peer = new Addr(ipFromBytes(peerAddr), peerPort).toString();
    return { labels: { idx: String(index), peer, state }, figures: record };
  };
  const take = (rows: readonly DeviceSession[]): SessionSample[] => {
    const records = rows.map(toRecord);
    known = new Map(records.map((record) => [keyOf(record), known.get(keyOf(record)) ?? {}]));
    for (const record of records) totals.count(known.get(keyOf(record))!, record);
    isUp = true;
    return records.map(told);
  };
  const failed = (error: unknown): null => {
    letGo();
    if (isUp && !closed) down(error as Error);
    isUp = false;
    return null;
  };

  let asking: Promise<SessionSample[] | null> | null = null;
  const ask = (): Promise<SessionSample[] | null> =>
    (asking ??= table()
      .then(take, failed)
      .finally(() => {
        asking = null;
      }));

  return {
    async sample() {
      const answer = await orLate(patience, ask(), LATE);
      if (answer !== LATE) return answer;
      if (isUp && !closed) down(new Error(`the device ${path} did not answer within ${patience} ms`));
      isUp = false;
      return null;
    },
    close() {
      closed = true;
      letGo();
    },
  };
}
