/** `--identity`, `--peers` and `--psk-file`: who this side is, and who the other one may be. */
import { type Command, Option } from 'commander';

/** What a command does with its sessions. */
export type ProofUse = 'dials' | 'listens' | 'both';

/** {@link withProofOptions}, as commander gives them. */
export interface ProofFlags {
  identity?: string;
  peers?: string;
  pskFile?: string;
}

const PEERS: Readonly<Record<ProofUse, string>> = {
  dials: "public keys of who may be reached, a line each, or 'known' for those that you have met",
  listens: "public keys of who may dial, a line each, or 'anyone' to prove only who this side is",
  both: "public keys of the other side, a line each; 'known' (those that you have met) to dial, 'anyone' to listen",
};

/** Adds the three options. */
export function withProofOptions(command: Command, role: ProofUse): Command {
  return command
    .option('--identity <file>', 'private key that proves who this side is (default: $POOL_IDENTITY); see keygen')
    .addOption(new Option('--peers <file>', `${PEERS[role]} (default: $POOL_PEERS)`))
    .option('--psk-file <file>', 'in place of both: a secret that the peer has as well (default: $POOL_PSK_FILE)');
}
