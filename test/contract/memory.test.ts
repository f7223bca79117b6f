import { describe, it } from 'vitest';
import { pipe, testConn } from '../../src/testing/index.js';

const makePipe = async () => {
  const [c1, c2] = pipe();
  return {
    c1,
    c2,
    stop: async () => {
      c1.destroy();
      c2.destroy();
    },
  };
};

describe('the contract of a Conn: two Conns joined in memory', () => {
  for (const { name, run } of testConn(makePipe)) it(name, run);
});
