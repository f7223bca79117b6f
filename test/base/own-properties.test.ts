import { afterEach, describe, expect, it } from 'vitest';
import { dial, listen, userCryptography } from '../../src/index.js';
import { bare, keepName, ownOption } from '../../src/base/own-properties.js';

const pollute = (name: string, value: unknown): void => {
  Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
};

describe('options and a polluted Object.prototype', () => {
  afterEach(() => {
    for (const name of ['timeout', 'max', 'closeTimeout', 'host']) {
      delete (Object.prototype as Record<string, unknown>)[name];
    }
  });

  it('ownOption sees own properties only', () => {
    expect(ownOption({ __proto__: { a: 1 } }, 'a')).toBeUndefined();
    expect(ownOption(Object.assign(Object.create(null) as object, { a: 1 }), 'a')).toBe(1);
  });

  it('bare leaves nothing to inherit', () => {
    pollute('timeout', 1);
    expect((bare({ a: 1 }) as { timeout?: number }).timeout).toBeUndefined();
  });

  it('a conversation takes no notice of it', async () => {
    // What it loads is loaded before: how a module is loaded is the program's affair, or its test runner's.
    await userCryptography();
    pollute('timeout', 1);
    pollute('max', 'no number');
    pollute('closeTimeout', 'no number');
    const listener = await listen('127.0.0.1:0', { backend: 'user' });
    const [server, client] = await Promise.all([
      listener.accept(),
      dial(listener.addr.toString(), { backend: 'user' }),
    ]);
    await client.writeMessages([Buffer.from('a'), Buffer.from('b')], {});
    expect((await server.readMessages({}))?.length).toBeGreaterThan(0);
    await client.close({});
    await server.close({});
    await listener.close();
  });
});

it('gives a class the name that it is known by, and no name that can be listed', () => {
  const Renamed = class _Renamed {
    static {
      keepName(this, 'Renamed');
    }
  };
  expect(Renamed.name).toBe('Renamed');
  expect(Object.keys(Renamed)).toEqual([]);
});
