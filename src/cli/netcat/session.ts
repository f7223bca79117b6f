/** What `listen` and `connect` do with a session. */
import type { Conn, Flow } from '../../index.js';
import { CliError, lineOf } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';

/** Holds a conversation on a channel of `conn`, or on the Conn itself for channel 0, and closes the session. */
export async function hold(conn: Conn, channel: number, talk: (flow: Flow) => Promise<void>): Promise<void> {
  try {
    await talk(await flowOf(conn, channel));
  } catch (error) {
    // What came and could not be stored is lost: without CLOSE, the peer does not take it for arrived.
    if (error instanceof OutputFailed) conn.destroy();
    // It says more than a failure to close.
    else await conn.close().catch(() => undefined);
    throw error;
  }
  await conn.close();
}

async function flowOf(conn: Conn, channel: number): Promise<Flow> {
  if (channel === 0) return conn;
  const flow = await conn.openChannel(channel);
  // Unread messages of other channels would fill the session's queue, and stop this one.
  void discardMessages(conn);
  return flow;
}

/** Reads and drops until the session ends, which others tell. */
export async function discardMessages(conn: Pick<Conn, 'readMessages'>): Promise<void> {
  try {
    while ((await conn.readMessages()) !== null);
  } catch {
    // Told elsewhere.
  }
}

/** Standard output that takes no more, for another reason than that nobody reads it: a full disk. */
export class OutputFailed extends CliError {
  constructor(cause: Error) {
    super(EXIT.IO, `standard output: ${lineOf(cause)}`, { cause });
  }
}
