/** The receiving side of a session: takes what is offered into one folder, and confirms what is on disk. */
import { onAbort } from '../../base/abort.js';
import { lineOf } from '../cli-error.js';
import { bytesText } from '../screen/quantities.js';
import { diskFailure, TransferFailure } from './failure.js';
import { printableName } from './file-name.js';
import { type ControlMessage, TRANSFER_VERSION, WAIT_EVERY_MS, WINDOW_BYTES } from './messages.js';
import { Receiving, type ReceivingOptions } from './receiving.js';
import type { Result, TransferOptions } from './outcome.js';
import { PeerFailure, TransferConversation, type TransferConn } from './transfer-conversation.js';

/** As of a sender, and where the files go. */
export interface ReceiveFilesOptions extends TransferOptions {
  folder: string;
  /** Whether files that are there may be replaced. */
  overwrite: boolean;
  /** Whether hidden files, and those that look like options, are taken. */
  anyName: boolean;
}

/** ms for the sender to close after the last file; then this side does. */
const END_MS = 10_000;
/** Share of the idle timeout after which another sender of the same file may take over. */
const PATIENCE = 1 / 6;

/** Receives the files of one session, and closes it. Rejects when it breaks; files that alone failed are reported. */
export async function receiveFiles(conn: TransferConn, options: ReceiveFilesOptions): Promise<void> {
  // Ends this session alone: when the command is told to stop, or when another sender takes over.
  const own = new AbortController();
  const stop = (reason: unknown): void => own.abort(reason);
  // All sessions of the command listen to one signal.
  const unlisten = onAbort(options.signal, stop);
  const talk = new TransferConversation(conn, 'sender', { ...options, signal: own.signal });
  // A sender at work is not silent: it says so, in its own time.
  const patience = Math.max(options.idleTimeout * PATIENCE, 2 * (options.waitEvery ?? WAIT_EVERY_MS));
  try {
    const { version, files } = await talk.expect('hello');
    if (version !== TRANSFER_VERSION) {
      throw new TransferFailure(
        'protocol',
        `the sender speaks version ${version}, and the receiver version ${TRANSFER_VERSION}`,
      );
    }
    await talk.tell({ type: 'welcome', version: TRANSFER_VERSION, window: WINDOW_BYTES });
    for (let file = 0; file < files; file++)
      await receiveFile(talk, options, { ...options, signal: own.signal, stop, patience });
    // The sender closes: what it has not read yet could be lost if this side did.
    await talk.drain(Math.min(END_MS, options.idleTimeout));
  } catch (error) {
    if (options.signal.aborted) await talk.giveUp('stopped', 'it was stopped');
    else if (error instanceof TransferFailure && !(error instanceof PeerFailure))
      await talk.giveUp(error.reason, error.message);
    throw error;
  } finally {
    unlisten();
    await conn.close({ closeTimeout: 2000 }).catch(() => undefined);
  }
}

async function receiveFile(
  talk: TransferConversation,
  options: ReceiveFilesOptions,
  own: ReceivingOptions,
): Promise<void> {
  let offer: ControlMessage<'offer'>;
  try {
    offer = await talk.expect('offer');
  } catch (error) {
    // A file that the sender could not open, in the place of its offer. What follows is the next one.
    if (!(error instanceof PeerFailure)) throw error;
    const result = { name: '', size: 0, status: 'failed', resumedFrom: 0, seconds: 0, peer: options.peer } as const;
    options.report({ ...result, error: `the sender says: ${error.message}` }, error);
    if (error.reason === 'unreadable') return;
    throw error;
  }
  const name = printableName(offer.name);
  const watch = options.view.file(name, offer.size);
  const began = performance.now();
  const receiving = new Receiving(talk, offer, watch, own);
  const { size } = offer;
  const result: Result = { name, size, status: 'failed', resumedFrom: 0, seconds: 0, peer: options.peer };
  let failure: Error | null = null;
  try {
    await receiving.run();
  } catch (error) {
    failure = diskFailure('it can not be stored', error);
  }
  await receiving.end(failure);
  watch.end();
  result.seconds = Math.round(performance.now() - began) / 1000;
  result.resumedFrom = receiving.offset;
  if (receiving.stored) {
    result.status = receiving.complete ? 'identical' : 'received';
    result.sha256 = receiving.sha256;
  } else {
    result.error = `${name}: ${told(failure!, receiving, size, options.signal)}`;
  }
  // What breaks once the file is there is the session's failure, and not the file's.
  options.report(result, receiving.stored ? null : failure);
  if (failure === null) return;
  if (receiving.stored || !(failure instanceof TransferFailure) || failure.reason === 'protocol') throw failure;
  // The sender's failure of a file ends the file. Once told that this side knows, it offers the next one.
  if (failure instanceof PeerFailure && failure.reason !== 'stopped') {
    return talk.tell({ type: 'fail', reason: failure.reason, message: 'given up' });
  }
  // Before data came, a refusal is an answer like any other. Later, data is under way that nobody wants.
  if (receiving.started || failure instanceof PeerFailure) throw failure;
  await talk.tell({ type: 'fail', reason: failure.reason, message: failure.message });
}

function told(failure: Error, { kept }: Receiving, size: number, signal: AbortSignal): string {
  const why = signal.aborted ? 'stopped' : lineOf(failure);
  const said = failure instanceof PeerFailure ? `the sender says: ${why}` : why;
  return kept === 0 ? said : `${said}; ${bytesText(kept)} of ${bytesText(size)} are kept to go on from`;
}
