import { describe, expect, it } from 'vitest';
import { Traffic } from '../../../src/poolnode/protocol/traffic.js';

describe('Traffic', () => {
  it('counts packets and bytes each way, and both ways since the last REKEY', () => {
    const traffic = new Traffic();
    traffic.sent(80);
    traffic.sent(2 ** 40);
    traffic.received({ flags: 0, payloadLength: 20 });
    traffic.emptyMessages++;
    expect(traffic.snapshot()).toEqual({
      bytesSent: 2n ** 40n + 80n,
      bytesReceived: 100n,
      packetsSent: 2n,
      packetsReceived: 1n,
      packetsSinceRekey: 3,
      emptyMessages: 1,
    });
    traffic.packetsSinceRekey = 0;
    traffic.received({ flags: 1, payloadLength: 1016 });
    expect(traffic.snapshot().bytesReceived).toBe(100n + 80n + 1000n);
    expect(traffic.snapshot()).toMatchObject({ packetsReceived: 2n, packetsSinceRekey: 1 });
  });

  it('gives snapshots that stay what they were, with properties of their own', () => {
    const traffic = new Traffic();
    const before = traffic.snapshot();
    traffic.sent(1);
    expect({ ...before }).toMatchObject({ packetsSent: 0n });
  });
});
