/** Options and requests of the device with a name that nobody knows: refused before the device is asked. */
import { describe, expect, it } from 'vitest';
import * as check from '../../src/poolioc/arguments.js';
import { Device } from '../../src/poolioc/device.js';

const refusal = (message: string) => expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message }) as Error;

describe('unknown names', () => {
  it('are refused by open, before the file is', async () => {
    const options = { tiemout: 5 } as object;
    const error = await Device.open('/nowhere', options).catch((reason: unknown) => reason);
    expect(error).toEqual(refusal('there is no option "tiemout": did you mean timeout?'));
  });

  it.each([
    ['call', { singal: null }, 'there is no option "singal": did you mean signal?'],
    ['late', { onlate: null }, 'there is no option "onlate": did you mean onLate?'],
    ['call', { onLate: null }, 'there is no option "onLate": there are signal, timeout'],
    ['close', { abrot: true }, 'there is no option "abrot": did you mean abort?'],
    ['tableChange', { intervall: 5 }, 'there is no option "intervall": did you mean interval?'],
    ['tableChange', { timeout: 5 }, 'there is no option "timeout": there are counters, interval, signal'],
    ['receive', { cuont: 5 }, 'there is no option "cuont": did you mean count?'],
    ['send', { send: 5 }, 'there is no option "send": did you mean sent?'],
  ] as const)('are refused by %s: %j', (call, options, message) => {
    expect(() => check.checkCallNames(options, call)).toThrow(refusal(message));
  });

  it('are refused in requests', () => {
    const request = { sessionIdx: 0, chanel: 3, data: new Uint8Array(1) };
    expect(() => check.checkRequest(request)).toThrow(refusal('there is no option "chanel": did you mean channel?'));
    const connect = { peerAddr: new Uint8Array(16), peerPort: 1, adrFamily: 10 };
    expect(() => check.checkConnect(connect)).toThrow(
      refusal('there is no option "adrFamily": did you mean addrFamily?'),
    );
    for (const none of [null, 5, undefined]) {
      expect(() => check.checkRequest(none)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    }
  });
});
