import { describe, expect, it } from 'vitest';
import { processNode } from '../../src/poolnode/process-node.js';

const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

describe('processNode', () => {
  it('is one per process, kept under a registered symbol', () => {
    const holder: Record<symbol, unknown> = {};
    const node = processNode({}, holder, {});
    expect(processNode({}, holder, {})).toBe(node);
    expect(holder[Symbol.for('pool-ts.node.v1')]).toBe(node);
    expect(processNode({}, {}, {})).not.toBe(node);
  });

  it.each([
    [{}, {}, 1024],
    [{}, { POOL_MAX_SESSIONS: '' }, 1024],
    [{}, { POOL_MAX_SESSIONS: '64' }, 64],
    [{ maxSessions: 7 }, { POOL_MAX_SESSIONS: '64' }, 7],
  ])('made with %o in %o has %d slots', (options, env, size) => {
    expect(processNode(options, {}, env).maxSessions).toBe(size);
  });

  it('keeps the size of its first use', () => {
    const holder = {};
    processNode({ maxSessions: 5 }, holder, {});
    expect(processNode({ maxSessions: 5 }, holder, {}).maxSessions).toBe(5);
    expect(processNode({}, holder, { POOL_MAX_SESSIONS: '64' }).maxSessions).toBe(5);
    expect(() => processNode({ maxSessions: 6 }, holder, {})).toThrow(code('ERR_INVALID_ARG_VALUE'));
  });

  it('is not made by a wrong option', () => {
    const holder = {};
    expect(() => processNode({ maxSessions: 0 }, holder, {})).toThrow(code('ERR_OUT_OF_RANGE'));
    expect(Object.getOwnPropertySymbols(holder)).toEqual([]);
  });

  it.each(['many', '0', '-5', '1.5', '1e3'])('refuses POOL_MAX_SESSIONS=%s', (text) => {
    expect(() => processNode({}, {}, { POOL_MAX_SESSIONS: text })).toThrow(code('ERR_INVALID_ARG_VALUE'));
  });
});
