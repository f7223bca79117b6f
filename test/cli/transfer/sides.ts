/** The two sides of a transfer on a pipe in memory, each of them real or scripted. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QUIET_VIEW } from '../../../src/cli/transfer/progress-view.js';
import { receiveFiles, type ReceiveFilesOptions } from '../../../src/cli/transfer/receive-files.js';
import type { Result, TransferOptions } from '../../../src/cli/transfer/outcome.js';
import { sendFiles } from '../../../src/cli/transfer/send-files.js';
import { examine } from '../../../src/cli/transfer/source-file.js';
import { TransferConversation } from '../../../src/cli/transfer/transfer-conversation.js';
import type { Conn } from '../../../src/index.js';
import { pipe } from '../../../src/testing/index.js';

/** What a side came to. */
export interface Ended {
  results: Result[];
  /** What it rejected with; null when it did not. */
  error: Error | null;
}

/** A folder to send from, one to receive into, and what ends both. */
export class Sides {
  readonly folder = mkdtempSync(join(tmpdir(), 'pool-sides-'));
  readonly out = join(this.folder, 'out');
  readonly in: string;
  readonly stopSender = new AbortController();
  readonly stopReceiver = new AbortController();
  #pair: [Conn, Conn] | null = null;

  constructor(into?: string) {
    this.in = into ?? join(this.folder, 'in');
    mkdirSync(this.out);
    mkdirSync(this.in, { recursive: true });
  }

  /** The sender's end and the receiver's; of the next session after `again`. */
  get pair(): [Conn, Conn] {
    this.#pair ??= pipe();
    return this.#pair;
  }

  again(): this {
    this.#pair = null;
    return this;
  }

  send(paths: readonly string[], options: Partial<TransferOptions> = {}): Promise<Ended> {
    return this.sendPaths(
      paths.map((path) => join(this.out, path)),
      options,
    );
  }

  /** Files from anywhere. */
  sendPaths(paths: readonly string[], options: Partial<TransferOptions> = {}): Promise<Ended> {
    return this.#ended(async (common) =>
      sendFiles(this.pair[0], await examine(paths), {
        ...common,
        signal: this.stopSender.signal,
        ...options,
      }),
    );
  }

  receive(options: Partial<ReceiveFilesOptions> = {}): Promise<Ended> {
    return this.#ended((common) =>
      receiveFiles(this.pair[1], {
        ...common,
        signal: this.stopReceiver.signal,
        folder: this.in,
        overwrite: false,
        anyName: false,
        ...options,
      }),
    );
  }

  async both(paths: readonly string[], options: Partial<ReceiveFilesOptions> = {}): Promise<[Ended, Ended]> {
    this.again();
    return Promise.all([this.send(paths), this.receive(options)]);
  }

  /** A side that a test plays itself. */
  play(side: 'sender' | 'receiver'): TransferConversation {
    const options = { idleTimeout: 10_000, signal: new AbortController().signal };
    return side === 'sender'
      ? new TransferConversation(this.pair[0], 'receiver', options)
      : new TransferConversation(this.pair[1], 'sender', options);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #ended(run: (common: Omit<TransferOptions, 'signal'>) => Promise<void>): Promise<Ended> {
    const results: Result[] = [];
    const report = (result: Result): void => void results.push(result);
    try {
      await run({ idleTimeout: 10_000, view: QUIET_VIEW, peer: 'peer', report });
      return { results, error: null };
    } catch (error) {
      return { results, error: error as Error };
    }
  }
}

/** A view that calls `moved` with how many bytes of the file have arrived. */
export const watching = (moved: (bytes: number) => void): TransferOptions['view'] => ({
  ...QUIET_VIEW,
  file: () => ({ moved, note: () => undefined, end: () => undefined }),
});
