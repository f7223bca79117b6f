/** dial and listen with the proofs that flags and environment ask for, where a statement asks for none of its own. */
import type { DialOptions, ListenOptions } from '../../index.js';
import { dialProofOptions } from '../peers/dial-peer.js';
import { listenProof, proofWish } from '../peers/proof.js';
import type { ProofFlags } from '../peers/proof-flags.js';
import type { Terminal } from '../terminal.js';
import type { Openers } from './opened.js';

/** @throws CliError for flags that don't go together */
export function proving(openers: Openers, terminal: Pick<Terminal, 'env' | 'stderr'>, flags: ProofFlags): Openers {
  if (Object.keys(proofWish(flags, terminal.env)).length === 0) return openers;
  return {
    dial: async (address, options) => {
      if (!isPlain(options)) return openers.dial(address, options);
      return openers.dial(address, {
        ...(await dialProofOptions(terminal, address, flags, options ?? {})),
        ...options,
      });
    },
    listen: async (address, options) => {
      if (!isPlain(options)) return openers.listen(address, options);
      return openers.listen(address, { ...(await listenProof(flags, terminal.env)), ...options });
    },
  };
}

/** It says nothing of who the peer is, and is an object, as far as it is there: what is none is refused in pool-ts's own words. */
function isPlain(options: DialOptions | ListenOptions | undefined): boolean {
  if (options === undefined) return true;
  if (typeof options !== 'object' || options === null) return false;
  return options.identity === undefined && options.peers === undefined && options.psk === undefined;
}
