/** What a connection knows of its peer. */
import type { KeyObject } from 'node:crypto';
import type { NodePeer } from '../../poolnode/types.js';

/**
 * What the peer proved: its key, with the fingerprint that people compare and the comment of our own list; that it has the
 * pre-shared key; or nothing (null), where nothing was asked of it.
 */
export type Peer =
  | {
      readonly method: 'key';
      /** Ed25519, public. */
      readonly key: KeyObject;
      /** `SHA256:...`, as `ssh-keygen -l` prints it. */
      readonly fingerprint: string;
      readonly comment: string | undefined;
    }
  | { readonly method: 'psk' }
  | null;

export function peerOf(peer: NodePeer): Peer {
  if (peer === null || peer.method === 'psk') return peer;
  const { key, fingerprint, comment } = peer.key;
  return Object.freeze({ method: 'key', key, fingerprint, comment });
}
