/**
 * Reads what a listener accepts as the sockets that this process dials are read: into the buffer that they all share. Node
 * takes the option `onread` where a socket is made, and makes those that it accepts itself; so a second Socket takes over the
 * connection's handle, in the way in which net.Server gave it to the first one. That way is not documented, and where the
 * parts of it are not all there the socket stays what it is, read through Node's own buffers.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';
import { bare } from '../../base/own-properties.js';
import { SocketReader } from './socket-reader.js';

/** Of a socket's handle, what taking it over relies on. */
interface StreamHandle {
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
}

/** The options of a Socket that net.Server makes. */
interface AcceptedSocketOptions extends SocketConstructorOpts {
  handle: StreamHandle;
  pauseOnCreate: boolean;
}

/**
 * The socket to use for a connection that was accepted, and its reader. `accepted` is paused as it came (`pauseOnConnect`),
 * nobody has listened to it yet, and nobody may use it after this.
 */
export function takeAccepted(accepted: Socket): { socket: Socket; reader: SocketReader } {
  const shared = new SocketReader(true);
  const { onread } = shared;
  const handle = handleOf(accepted);
  if (onread === undefined || handle === null) return { socket: accepted, reader: new SocketReader() };
  const { allowHalfOpen } = accepted;
  const options: AcceptedSocketOptions = bare({ handle, onread, allowHalfOpen, pauseOnCreate: true });
  const socket = new Socket(options);
  // Without a handle it closes nothing, and its server counts it no longer.
  (accepted as unknown as { _handle: null })._handle = null;
  accepted.destroy();
  return { socket, reader: shared };
}

/** Null where the runtime has no such handle: Bun and Deno have an own net. */
function handleOf(socket: Socket): StreamHandle | null {
  if (process.versions['bun'] !== undefined || process.versions['deno'] !== undefined) return null;
  const handle = (socket as unknown as { _handle?: Partial<StreamHandle> | null })._handle ?? null;
  const { useUserBuffer, readStart, readStop } = handle ?? {};
  return [useUserBuffer, readStart, readStop].every((part) => typeof part === 'function')
    ? (handle as StreamHandle)
    : null;
}
