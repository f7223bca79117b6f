import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { keepErrorsHandled, protocolConfig, type NodeDeps } from '../../src/poolnode/node-deps.js';
import { nodeCrypto } from '../../src/poolnode/crypto/node-crypto.js';
import { SEQUENCE_RANGES } from '../../src/poolnode/session-draws.js';

describe('protocolConfig', () => {
  it.each(['client', 'server'] as const)('draws anew for each handshake of a %s', (role) => {
    const limits = { rekeyPackets: 7 };
    const parts = { crypto: nodeCrypto(), limits } as NodeDeps;
    const [one, two] = [protocolConfig(parts, role), protocolConfig(parts, role)];
    const [from, below] = SEQUENCE_RANGES[role];
    for (const { initialSequence } of [one, two]) expect(initialSequence >= from && initialSequence < below).toBe(true);
    expect(one.initialSequence).not.toBe(two.initialSequence);
    expect(one.timestampOffset).not.toBe(two.timestampOffset);
    expect(one).toMatchObject({ crypto: parts.crypto, limits });
  });
});

describe('keepErrorsHandled', () => {
  it('makes an error that nobody awaits harmless', () => {
    const socket = new EventEmitter();
    expect(() => socket.emit('error', new Error('late'))).toThrow('late');
    keepErrorsHandled(socket as Socket);
    expect(() => socket.emit('error', new Error('late'))).not.toThrow();
  });
});
