/**
 * What scenarios draw at random, from one seed for a run, which is printed: POOL_TEST_SEED brings it back, and with it what
 * the same scenarios draw in the same order.
 */
import { createCipheriv, createHash, randomInt } from 'node:crypto';

const seed = Number(process.env['POOL_TEST_SEED'] ?? randomInt(2 ** 31));
let draws = 0;

/** As of node:crypto. */
export function randomBytes(size: number): Buffer {
  if (draws === 0) console.error(`random bytes: POOL_TEST_SEED=${seed}`);
  draws += 1;
  const key = createHash('sha256').update(`${seed} ${draws}`).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}
