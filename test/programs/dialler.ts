// Dials a POOL listener, exchanges one message on each session that it gets, and tells how many did, and with which codes
// the others failed. Run by test/poolnode/attack.test.ts.
//   dialler.ts <port> <local address> <dials> <ms between two>
import * as net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createPoolNode } from '../../src/poolnode/index.js';

export interface DialReport {
  succeeded: number;
  codes: string[];
  /** From the first dial to the last answer. */
  ms: number;
}

const [port, localAddress, dials, spacing] = process.argv.slice(2);
const node = createPoolNode({}, { connect: (where) => net.connect({ ...where, localAddress: localAddress! }) });

/** The session is one when the server has answered on it. */
async function exchange(): Promise<string> {
  try {
    const session = await node.dial({ host: '127.0.0.1', port: Number(port) });
    return await new Promise<string>((resolve) => {
      session.start({
        message: () => {
          session.destroy();
          resolve('succeeded');
          return true;
        },
        drain: () => {},
        end: ({ error }) => resolve(error?.code ?? 'closed'),
      });
      session.send(0, Buffer.from('hello'));
    });
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const begun = performance.now();
const outcomes: Promise<string>[] = [];
for (let i = 0; i < Number(dials); i++) {
  outcomes.push(exchange());
  if (Number(spacing) > 0) await delay(Number(spacing));
}
const codes = (await Promise.all(outcomes)).filter((outcome) => outcome !== 'succeeded');
const report: DialReport = {
  succeeded: Number(dials) - codes.length,
  codes,
  ms: Math.round(performance.now() - begun),
};
process.send?.(report, () => process.disconnect());
