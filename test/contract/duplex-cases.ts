/** The contract of a Conn through toDuplex(): what a Conn, its Duplex and a Conn on top of that keep as if nothing were between. */
import { type ConnCase, type ConnContractOptions, type MakePipe, testConn } from '../../src/testing/index.js';
import { connOnDuplex } from './duplex-session.js';

/** Of a stream of bytes: the behaviours of nettest, which know no messages. */
const BYTES = /^nettest/;
/** What one end to end through two queues does not have: channels, the session's own figures, the caller's memory. */
const NOT_THROUGH_STREAMS =
  /channel|flows take turns|destroy ends pending|inspected|signal ends the waiting|held up|session|telemetry|empty message is/i;

/** The cases, as streams of bytes and of messages. */
export function duplexCases(makePipe: MakePipe, options: ConnContractOptions = {}): ConnCase[] {
  const through =
    (objectMode: boolean): MakePipe =>
    async () => {
      const { c1: a, c2: b, stop } = await makePipe();
      const [c1, c2] = [connOnDuplex(a, objectMode), connOnDuplex(b, objectMode)];
      return {
        c1,
        c2,
        stop: async () => {
          c1.destroy();
          c2.destroy();
          await stop();
        },
      };
    };
  const named = (kind: string, cases: ConnCase[]) => cases.map((one) => ({ ...one, name: `${kind}: ${one.name}` }));
  return [
    ...named(
      'bytes',
      testConn(through(false), options).filter(({ name }) => BYTES.test(name)),
    ),
    ...named(
      'messages',
      testConn(through(true), options).filter(({ name }) => !NOT_THROUGH_STREAMS.test(name)),
    ),
  ];
}
