import { expect, it } from 'vitest';
import type { SessionRecord } from '../../../../src/pool/kernel/table/table-row.js';
import { DeviceTable } from '../../../../src/pool/kernel/table/device-table.js';
import { ManualClock, settle } from '../manual-clock.js';

const table = (id: string): SessionRecord[] => [{ index: 0, id } as SessionRecord];

// CLOSE_SESS rests on such a look (kernel contract, hazard 2): an older one may show a session that has ended.
it('looks after it was asked to, also while a look is under way', async () => {
  const reads: ((records: SessionRecord[]) => void)[] = [];
  const sessions = new DeviceTable(() => new Promise((resolve) => reads.push(resolve)), new ManualClock());
  const first = sessions.refresh();
  reads[0]!(table('one'));
  expect((await first).at(0)?.id).toBe('one');
  const second = sessions.refresh();
  const third = sessions.refresh();
  await settle();
  reads[1]!(table('two'));
  expect((await second).at(0)?.id).toBe('two');
  await settle();
  reads[2]!(table('three'));
  expect((await third).at(0)?.id).toBe('three');
});
