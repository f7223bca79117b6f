/** dial and listen with the proofs that flags and environment ask for, where a statement asks for none of its own. */
import type { dial, DialOptions, listen, ListenOptions } from '../../index.js';
import { dialProofOptions } from '../peers/dial-peer.js';
import { listenProof, proofWish } from '../peers/proof.js';
import type { ProofFlags } from '../peers/proof-flags.js';
import type { Terminal } from '../terminal.js';

interface Parts {
  dial: typeof dial;
  listen: typeof listen;
}

/** @throws CliError for flags that don't go together */
export function proving(parts: Parts, terminal: Pick<Terminal, 'env' | 'stderr'>, flags: ProofFlags): Parts {
  if (Object.keys(proofWish(flags, terminal.env)).length === 0) return parts;
  return {
    dial: async (address, options) => {
      if (!isPlain(options)) return parts.dial(address, options);
      return parts.dial(address, { ...(await dialProofOptions(terminal, address, flags, options ?? {})), ...options });
    },
    listen: async (address, options) => {
      if (!isPlain(options)) return parts.listen(address, options);
      return parts.listen(address, { ...(await listenProof(flags, terminal.env)), ...options });
    },
  };
}

/** It says nothing of who the peer is, and is an object, as far as it is there: what is none is refused in pool-ts's own words. */
function isPlain(options: DialOptions | ListenOptions | undefined): boolean {
  if (options === undefined) return true;
  if (typeof options !== 'object' || options === null) return false;
  return options.identity === undefined && options.peers === undefined && options.psk === undefined;
}
