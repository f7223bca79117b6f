import { describe, expect, it } from 'vitest';
import { bindAll, lockNames } from '../../src/base/abstract-names.js';

const refusal = (code: string): Error => Object.assign(new Error(code), { code });

describe('names of a lock', () => {
  it('are abstract, one as long as sun_path and one that every runtime binds', () => {
    expect(lockNames('a', 'x').map(({ length }) => length)).toEqual([108, 107]);
    for (const name of lockNames('a', 'x')) expect(name.startsWith('\0pool-ts.a.')).toBe(true);
  });

  it('differ by purpose and by what is locked', () => {
    const names = [lockNames('a', 'x'), lockNames('a', 'y'), lockNames('b', 'x')].flat();
    expect(new Set(names).size).toBe(6);
  });
});

describe('a lock', () => {
  /** Binds what is in no way, and keeps what is held. */
  function binder(refuse: Record<string, string>) {
    const held = new Set<string>();
    const bind = async (name: string): Promise<() => Promise<void>> => {
      if (refuse[name] !== undefined) throw refusal(refuse[name]);
      held.add(name);
      return () => Promise.resolve(void held.delete(name));
    };
    return { held, bind };
  }

  it('has all its names, and gives all of them back', async () => {
    const { held, bind } = binder({});
    const release = await bindAll(['a', 'b'], bind);
    expect([...held]).toEqual(['a', 'b']);
    await release();
    expect([...held]).toEqual([]);
  });

  it.each(['a', 'b'])('does without %s where the runtime can not bind it', async (name) => {
    const { held, bind } = binder({ [name]: 'EINVAL' });
    const release = await bindAll(['a', 'b'], bind);
    expect(held.size).toBe(1);
    await release();
    expect(held.size).toBe(0);
  });

  it('is refused with nothing held where one name is taken, and where none can be bound', async () => {
    const taken = binder({ b: 'EADDRINUSE' });
    await expect(bindAll(['a', 'b'], taken.bind)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(taken.held.size).toBe(0);
    const none = binder({ a: 'EINVAL', b: 'EINVAL' });
    await expect(bindAll(['a', 'b'], none.bind)).rejects.toMatchObject({ code: 'EINVAL' });
  });
});
