/** Who a peer is, for the line that tells of its connection. */
import type { Conn } from '../../index.js';

/** Goes on after the backend's name; empty where nothing was proven. A comment is our own list's, so it may be shown. */
export function peerText({ peer }: Pick<Conn, 'peer'>): string {
  if (peer === null) return '';
  if (peer.method === 'psk') return ', proven by the pre-shared key';
  return `, ${peer.comment === undefined ? '' : `${peer.comment} `}${peer.fingerprint}`;
}
