/** A peer at an address, held to what the file of known peers says of it. */
import type { AddressInput, Network, PublicKey } from '../../index.js';
import { knownName, type KnownPeer, knownPeerLine, readKnownPeers } from '../../pool/identity/known-peers.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';

/** A peer that proved a key, and is not let in by the file. */
export interface Stranger {
  readonly key: PublicKey;
  /** What the file has for this address; empty where it was never met. */
  readonly lines: readonly KnownPeer[];
}

export class PeerCheck {
  /** `[host]:port`. */
  readonly name: string;
  readonly file: string;
  /** The last that was refused. */
  stranger: Stranger | null = null;

  /** @throws PoolError ERR_POOL_INVALID_ADDRESS and the like, for an address that is none */
  constructor(file: string, address: AddressInput, network?: Network) {
    this.file = file;
    this.name = knownName(address, network);
  }

  /** Whether the file can be read and understood. @throws (rejects) PoolError with file and line */
  async examine(): Promise<void> {
    await readKnownPeers(this.file);
  }

  /** For `peers` of a dial. The file is read for each decision: what was added since counts. */
  readonly peers = async (key: PublicKey): Promise<boolean> => {
    const lines = (await readKnownPeers(this.file)).filter(({ name }) => name === this.name);
    if (lines.some((line) => Buffer.compare(line.key.bytes, key.bytes) === 0)) return true;
    this.stranger = { key, lines };
    return false;
  };

  /** Several lines, as ssh has them: somebody may be in the path. */
  warning({ key, lines }: Stranger): string[] {
    const places = lines.map(({ line }) => `line ${line}`).join(' and ');
    return [
      `WARNING: THE KEY OF ${this.name} HAS CHANGED`,
      'Somebody may stand in the path and want to read and change everything. Or the peer was given a new key.',
      ...lines.map((line) => `  known:  ${line.key.fingerprint} (${this.file}, line ${line.line})`),
      `  proven: ${key.fingerprint}`,
      `Ask whoever runs it. If the new key is right, take ${places} out of ${this.file}.`,
    ];
  }

  /** The one line for the end of a command. */
  refusal({ key, lines }: Stranger): CliError {
    if (lines.length > 0) {
      return new CliError(
        EXIT.PROTOCOL,
        `${this.name} proved another key than the one that is known: it was refused, and nothing was sent`,
      );
    }
    return new CliError(
      EXIT.PROTOCOL,
      `${this.name} is not known, and nobody is asked here: if ${key.fingerprint} is its key, put this line into ${this.file}: ${knownPeerLine(this.name, key)}`,
    );
  }
}
