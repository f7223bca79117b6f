/** The recorded conversations with pool.ko 1.0 (wire protocol, Vectors). */
import { readFileSync } from 'node:fs';

export interface VectorFile {
  note: string;
  role: 'client' | 'server';
  localPrivateKey: Uint8Array;
  sessionId: Uint8Array;
  sharedSecret: Uint8Array;
  puzzleSeed: Uint8Array | null;
  /** In the order in which they went over the wire; tx by user space, rx by the module. */
  frames: { dir: 'tx' | 'rx'; frame: Uint8Array }[];
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

export const VECTOR_NAMES = ['client-fresh-slot', 'client-reused-slot', 'server', 'server-reused-slot'] as const;

export function readVectors(name: (typeof VECTOR_NAMES)[number]): VectorFile {
  const raw = JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')) as {
    note: string;
    role: 'client' | 'server';
    localPrivateKey: string;
    sessionId: string;
    sharedSecret: string;
    puzzleSeed?: string;
    frames: { dir: 'tx' | 'rx'; frame: string }[];
  };
  return {
    note: raw.note,
    role: raw.role,
    localPrivateKey: bytes(raw.localPrivateKey),
    sessionId: bytes(raw.sessionId),
    sharedSecret: bytes(raw.sharedSecret),
    puzzleSeed: raw.puzzleSeed === undefined ? null : bytes(raw.puzzleSeed),
    frames: raw.frames.map(({ dir, frame }) => ({ dir, frame: bytes(frame) })),
  };
}
