/** `pool-ts bench --listen`: the side that is measured against. */
import { onAbort } from '../../base/abort.js';
import { messageOf } from '../../base/errors.js';
import type { Conn, Listener } from '../../index.js';
import { print, tell, type Terminal } from '../terminal.js';
import { HELLO, KIND, type ReceivedCount, encodeReport, WELCOME } from './protocol.js';

/** Serves until the command is stopped. The first line says where, for whoever started it. */
export async function serveBench(terminal: Terminal, listener: Listener): Promise<void> {
  onAbort(terminal.stop, () => void listener.close({ connections: 'close' }));
  await print(terminal, `listening on ${listener.addr.toString()}`);
  await listener.serve(async (conn) => {
    // One peer that breaks off is no reason to stop serving the others.
    await answerBench(conn).catch((error: unknown) => {
      if (!terminal.stop.aborted) tell(terminal, `${conn.remoteAddr.toString()}: ${messageOf(error)}`);
    });
    await conn.close().catch(() => undefined);
  });
}

/** Answers one peer until it closes. */
async function answerBench(conn: Pick<Conn, 'readMessages' | 'writeMessage'>): Promise<void> {
  let counted: ReceivedCount = { messages: 0, bytes: 0 };
  let welcome = false;
  for (;;) {
    const messages = await conn.readMessages();
    if (messages === null) return;
    for (const message of messages) {
      if (!welcome && !HELLO.equals(message)) throw new Error('the peer does not speak the protocol of pool-ts bench');
      switch (message[0]) {
        case KIND.HELLO:
          welcome = true;
          await conn.writeMessage(WELCOME);
          break;
        case KIND.DATA:
          counted = { messages: counted.messages + 1, bytes: counted.bytes + message.length };
          break;
        case KIND.ECHO:
          await conn.writeMessage(message);
          break;
        case KIND.FINISH:
          await conn.writeMessage(encodeReport(counted));
          counted = { messages: 0, bytes: 0 };
          break;
        default:
          throw new Error('the peer sent a message that the protocol of pool-ts bench does not have');
      }
    }
  }
}
