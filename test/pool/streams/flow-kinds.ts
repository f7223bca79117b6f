/** Two flows of each kind that has streams. */
import type { Flow } from '../../../src/index.js';
import { pipe } from '../../../src/testing/index.js';

export const flowKinds: Record<string, () => Promise<[Flow, Flow]>> = {
  'a Conn': async () => pipe(),
  'a Channel': async () => {
    const [a, b] = pipe();
    return Promise.all([a.openChannel(5), b.openChannel(5)]);
  },
};
