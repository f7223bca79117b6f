import { createCipheriv, createHmac, createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SpareCiphers } from '../../../src/poolnode/crypto/spare-ciphers.js';

const key = createSecretKey(Buffer.alloc(32, 7));
const hmacKey = createSecretKey(Buffer.alloc(32, 9));

function nonceOf(counter: bigint): Uint8Array {
  const nonce = Buffer.alloc(12, 3);
  nonce.writeBigUInt64LE(counter, 4);
  return nonce;
}

/** What node:crypto gives without any spare. */
function sealed(counter: bigint, text: string): string {
  const cipher = createCipheriv('chacha20-poly1305', key, nonceOf(counter), { authTagLength: 16 });
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('hex');
}

function seal(spares: SpareCiphers, counter: bigint, text: string): string {
  const cipher = spares.cipher(nonceOf(counter));
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('hex');
}

const prepared = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('spare ciphers', () => {
  it('seal as node:crypto does, whether a spare was there or not', async () => {
    const spares = new SpareCiphers(key, hmacKey);
    for (const counter of [0n, 1n, 2n, 255n, 256n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(seal(spares, counter, 'first')).toBe(sealed(counter, 'first'));
      await prepared(); // from here on a spare for counter + 1 waits
    }
  });

  it('never use a spare under another nonce than its own, nor twice', async () => {
    const spares = new SpareCiphers(key, hmacKey);
    seal(spares, 10n, 'a');
    await prepared();
    const spare = spares.cipher(nonceOf(11n));
    const again = spares.cipher(nonceOf(11n));
    expect(again).not.toBe(spare);
    seal(spares, 20n, 'b');
    await prepared();
    expect(seal(spares, 5_000n, 'jump')).toBe(sealed(5_000n, 'jump'));
    await prepared();
    expect(seal(spares, 5_000n, 'the same again')).toBe(sealed(5_000n, 'the same again'));
  });

  it('open what was sealed, with a spare and without one', async () => {
    const spares = new SpareCiphers(key, hmacKey);
    for (const counter of [7n, 8n, 9n, 100n]) {
      const cipher = createCipheriv('chacha20-poly1305', key, nonceOf(counter), { authTagLength: 16 });
      const bytes = Buffer.concat([cipher.update('hello'), cipher.final()]);
      const decipher = spares.decipher(nonceOf(counter));
      decipher.setAuthTag(cipher.getAuthTag());
      expect(Buffer.concat([decipher.update(bytes), decipher.final()]).toString()).toBe('hello');
      await prepared();
    }
  });

  it('give an HMAC of its own to each packet', async () => {
    const spares = new SpareCiphers(key, hmacKey);
    for (let round = 0; round < 3; round++) {
      const three = [spares.hmac(), spares.hmac(), spares.hmac()];
      expect(new Set(three).size).toBe(3);
      for (const [at, hmac] of three.entries()) {
        expect(hmac.update(`text ${at}`).digest('hex')).toBe(
          createHmac('sha256', hmacKey).update(`text ${at}`).digest('hex'),
        );
      }
      await prepared();
    }
  });

  it('keep no process alive', async () => {
    const spares = new SpareCiphers(key, hmacKey);
    spares.hmac();
    expect(process.getActiveResourcesInfo()).not.toContain('Immediate');
    await prepared();
  });

  it("prepares nothing where a cipher could not be made: that would fail in nobody's turn", async () => {
    const spares = new SpareCiphers(createSecretKey(new Uint8Array(16)), hmacKey);
    expect(() => spares.cipher(new Uint8Array(12))).toThrowError();
    expect(() => spares.decipher(new Uint8Array(12))).toThrowError();
    await new Promise((resolve) => setImmediate(resolve));
  });
});
