import { describe, expect, it } from 'vitest';
import { KeyRing } from '../../../src/poolnode/protocol/key-ring.js';
import type { KeyPair, PacketCrypto } from '../../../src/poolnode/protocol/types.js';

/** The key pairs and sets that were given up, in their order. */
const disposed: string[] = [];
const name = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const pair = (text: string): KeyPair => ({
  publicKey: name(text),
  agree: () => name('unused'),
  dispose: () => void disposed.push(text),
});
/** A key set that is only a name: K(own, peer). */
const derive = (own: KeyPair, peer: Uint8Array): PacketCrypto =>
  ({
    noncePrefix: name(`${Buffer.from(own.publicKey).toString()}${Buffer.from(peer).toString()}`),
    dispose: () => void disposed.push(`${Buffer.from(own.publicKey).toString()}${Buffer.from(peer).toString()}`),
  }) as PacketCrypto;
const nameOf = (keys: PacketCrypto): string => Buffer.from(keys.noncePrefix).toString();

function ring(): KeyRing {
  return new KeyRing(derive, pair('a'), name('B'), derive(pair('a'), name('B')));
}
const opening = (keys: KeyRing): string[] => keys.opening.map(nameOf).sort();
const set = (keys: KeyRing, wanted: string): PacketCrypto => keys.opening.find((one) => nameOf(one) === wanted)!;

describe('KeyRing', () => {
  it('has one set between REKEYs', () => {
    const keys = ring();
    expect([keys.settled, nameOf(keys.sending), opening(keys)]).toEqual([true, 'aB', ['aB']]);
  });

  it('as initiator sends under K(new, previous) until the answer, then under K(new, new)', () => {
    const keys = ring();
    keys.initiated(pair('x'));
    expect([keys.unanswered, nameOf(keys.sending), opening(keys)]).toEqual([true, 'xB', ['aB', 'xB']]);
    keys.answered(name('Y'));
    expect([keys.unanswered, nameOf(keys.sending)]).toEqual([false, 'xY']);
    expect(opening(keys)).toEqual(['aB', 'aY', 'xB', 'xY']);
  });

  it('as responder sends under K(new, new) at once', () => {
    const keys = ring();
    keys.accepted(name('Y'), pair('x'));
    expect(nameOf(keys.sending)).toBe('xY');
    expect(opening(keys)).toEqual(['aB', 'aY', 'xB', 'xY']);
  });

  it('drops the older sets at the first packet under K(new, new), not before', () => {
    const keys = ring();
    keys.accepted(name('Y'), pair('x'));
    for (const older of ['aB', 'aY', 'xB']) expect(keys.opened(set(keys, older))).toBe(false);
    expect(keys.opened(set(keys, 'xY'))).toBe(true);
    expect([keys.settled, nameOf(keys.sending), opening(keys)]).toEqual([true, 'xY', ['xY']]);
    keys.initiated(pair('p'));
    expect(opening(keys)).toEqual(['pY', 'xY']);
  });

  it('knows the answer of a module, which sends no REKEY', () => {
    const keys = ring();
    keys.initiated(pair('x'));
    expect(keys.isModuleAnswer(set(keys, 'aB'))).toBe(false);
    expect(keys.isModuleAnswer(set(keys, 'xB'))).toBe(true);
    keys.settle();
    expect([nameOf(keys.sending), opening(keys)]).toEqual(['xB', ['xB']]);
  });

  it('never holds more than four sets: a further REKEY waits until the last is settled', () => {
    const keys = ring();
    keys.accepted(name('Y'), pair('x'));
    expect(() => keys.accepted(name('Z'), pair('p'))).toThrowError(/before the last one was settled/);
    expect(keys.opening).toHaveLength(4);
  });

  it('follows a REKEY while closing, without keys of its own', () => {
    const keys = ring();
    keys.followed(name('Y'));
    expect(opening(keys)).toEqual(['aB', 'aY']);
  });

  it('gives up each set and each key pair that it drops, once, and no other', () => {
    disposed.length = 0;
    const keys = ring();
    keys.accepted(name('Y'), pair('x'));
    expect(disposed).toEqual([]);
    keys.opened(set(keys, 'xY'));
    expect(disposed.sort()).toEqual(['a', 'aB', 'aY', 'xB']);
    keys.initiated(pair('p'));
    keys.settle();
    expect(disposed.slice(4).sort()).toEqual(['x', 'xY']);
    keys.forget();
    keys.forget();
    expect(disposed.slice(6).sort()).toEqual(['p', 'pY']);
  });

  it('forgets', () => {
    const keys = ring();
    keys.accepted(name('Y'), pair('x'));
    keys.forget();
    expect(keys.opening).toEqual([]);
    expect(() => keys.sending.noncePrefix).toThrowError(/dropped/);
  });
});
