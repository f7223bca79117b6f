/** What this backend asks of a device: the requests of pool.h as poolioc's Device makes them, each on a worker. */
import type { RawTelemetry } from '../telemetry.js';

export interface CallOptions {
  /** Interrupts the call inside the kernel; rejects with the signal's reason, unless the call had its result already. */
  signal?: AbortSignal;
  /** ms after which the call is taken back. */
  timeout?: number;
}

export interface ConnectRequest {
  /** 16 bytes: IPv6, or IPv4 mapped. */
  peerAddr: Uint8Array;
  peerPort: number;
  addrFamily: number;
}

/** A row of SESSIONS. */
export interface DeviceSession {
  index: number;
  peerAddr: Uint8Array;
  peerPort: number;
  addrFamily: number;
  state: number;
  sessionId: Uint8Array;
  bytesSent: bigint;
  bytesRecv: bigint;
  packetsSent: bigint;
  packetsRecv: bigint;
  rekeyCount: number;
  telemetry: RawTelemetry;
}

/** Calls that don't return before they are done: for the moments before the process ends. */
export interface SyncDevice {
  sessions(): DeviceSession[];
  closeSession(index: number): void;
  stop(): void;
}

/** Every call rejects with a PoolError whose code is the errno's name. */
export interface KernelDevice {
  listen(port: number): Promise<void>;
  connect(request: ConnectRequest, options?: CallOptions): Promise<number>;
  /** Takes no signal: a SEND is never interrupted. `data` is copied before this returns. */
  sendBytes(session: number, channel: number, data: Uint8Array): Promise<void>;
  /** Bytes received, at the start of `buffer`; null when `timeout` passed and nothing was there. */
  recvBytes(session: number, channel: number, buffer: Uint8Array, options?: CallOptions): Promise<number | null>;
  sessions(): Promise<DeviceSession[]>;
  closeSession(index: number): Promise<void>;
  stop(): Promise<void>;
  channelSubscribe(session: number, channel: number): Promise<void>;
  channelUnsubscribe(session: number, channel: number): Promise<void>;
  close(): Promise<void>;
  /** Called when the process ends in a normal way, after all workers stopped; returns a function that takes it back. */
  onExit(hook: (device: SyncDevice) => void): () => void;
}
