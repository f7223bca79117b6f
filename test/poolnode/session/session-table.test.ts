import { describe, expect, it } from 'vitest';
import { SessionTable } from '../../../src/poolnode/session/session-table.js';

const SESSION_FULL = expect.objectContaining({ code: 'ERR_POOL_SESSION_FULL' }) as Error;
const named = (name: string) => (): string => name;

/** A table of three, filled with a, b, c. */
function abc(): SessionTable<string> {
  const table = new SessionTable<string>(3);
  for (const name of ['a', 'b', 'c']) table.add(named(name));
  return table;
}

describe('SessionTable', () => {
  it('gives each session the lowest free slot', () => {
    const table = new SessionTable<string>(8);
    const given: number[] = [];
    const add = (): string => table.add((index) => `session ${given.push(index)} in ${index}`);
    for (let i = 0; i < 6; i++) add();
    for (const index of [4, 1, 3]) table.release(index, table.get(index)!);
    for (let i = 0; i < 4; i++) add();
    expect(given).toEqual([0, 1, 2, 3, 4, 5, 1, 3, 4, 6]);
    expect(table.used).toBe(7);
    expect(table.get(7)).toBeUndefined();
  });

  it('takes one session below its size, and its size, and no more', () => {
    const table = new SessionTable<string>(3);
    table.add(named('a'));
    table.add(named('b'));
    expect(table.full).toBe(false);
    table.add(named('c'));
    expect(table.full).toBe(true);
    expect(() => table.add(named('d'))).toThrow(SESSION_FULL);
    expect(table.list()).toEqual(['a', 'b', 'c']);
  });

  it('reuses a slot as soon as it is released', () => {
    const table = abc();
    table.release(1, 'b');
    expect(table.full).toBe(false);
    let index = -1;
    table.add((given) => `session ${(index = given)}`);
    expect(index).toBe(1);
    expect(table.list()).toEqual(['a', 'session 1', 'c']);
  });

  it('does not let a former holder release its successor', () => {
    const table = abc();
    table.release(0, 'a');
    table.add(named('successor'));
    table.release(0, 'a');
    expect(table.get(0)).toBe('successor');
    expect(table.used).toBe(3);
  });

  it('keeps the lowest slot for a reservation, and hands it on when that is given up', () => {
    const table = new SessionTable<string>(3);
    const given: string[] = [];
    const note = (name: string) => (index: number) => `${name}${given.push(`${name}${index}`)}`;
    const [first, second] = [table.reserve(), table.reserve()];
    table.add(note('accepted'));
    expect([table.full, table.used, table.list().length]).toEqual([true, 1, 1]);
    expect(() => table.reserve()).toThrow(SESSION_FULL);
    second.fill(note('dialled'));
    first.cancel();
    first.cancel();
    expect(table.full).toBe(false);
    table.add(note('late'));
    expect(table.full).toBe(true);
    expect(given).toEqual(['accepted2', 'dialled1', 'late0']);
    expect(() => first.fill(note('twice'))).toThrow('used already');
    expect(() => second.fill(note('twice'))).toThrow('used already');
  });

  it('has a slot given back when none is free, and only when one is needed', () => {
    let ended: number[] = [];
    const reclaimed: number[] = [];
    const table: SessionTable<string> = new SessionTable<string>(2, () => {
      const [index] = ended;
      if (index === undefined) return null;
      return () => {
        reclaimed.push(ended.shift()!);
        table.release(index, table.get(index)!);
      };
    });
    table.add(named('a'));
    ended = [0];
    table.add(named('b'));
    expect([table.full, reclaimed.length]).toEqual([false, 0]);
    table.add(named('c'));
    expect([reclaimed, table.list()]).toEqual([[0], ['c', 'b']]);
    expect(table.full).toBe(true);
    expect(() => table.add(named('d'))).toThrow(SESSION_FULL);
    ended = [1];
    table.reserve().fill((index) => `e${index}`);
    expect(table.list()).toEqual(['c', 'e1']);
  });

  it('gives a filled reservation back by release only', () => {
    const table = new SessionTable<string>(1);
    const place = table.reserve();
    place.fill(named('a'));
    place.cancel();
    expect(table.full).toBe(true);
    table.release(0, 'a');
    expect(table.full).toBe(false);
  });

  it('keeps no place for a session that could not be made', () => {
    const table = new SessionTable<string>(1);
    const fail = (): string => {
      throw new Error('no session');
    };
    expect(() => table.add(fail)).toThrow('no session');
    expect(table.full).toBe(false);
  });

  it('counts the slots of each holder, and those of nobody for nobody', () => {
    const table = new SessionTable<string>(4);
    table.add(named('a'), '192.0.2.1');
    table.add(named('b'), '192.0.2.1');
    table.add(named('c'));
    table.add(named('d'), '192.0.2.2');
    const held = (): number[] => ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((holder) => table.heldBy(holder));
    expect(held()).toEqual([2, 1, 0]);
    table.release(0, 'b');
    table.release(2, 'c');
    expect(held()).toEqual([2, 1, 0]);
    table.release(0, 'a');
    table.release(0, 'a');
    expect(held()).toEqual([1, 1, 0]);
    table.add(named('e'));
    table.release(0, 'e');
    table.release(1, 'b');
    table.release(3, 'd');
    expect(held()).toEqual([0, 0, 0]);
  });
});
