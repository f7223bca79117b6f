/** ioctl request numbers by the kernel's _IOC rule (asm-generic/ioctl.h): direction, size of the argument, type, number. */
import { structs } from './structs.js';

const NRBITS = 8;
const TYPEBITS = 8;
const SIZEBITS = 14;
const TYPESHIFT = NRBITS;
const SIZESHIFT = TYPESHIFT + TYPEBITS;
const DIRSHIFT = SIZESHIFT + SIZEBITS;

/** `_IOC_NONE`, `_IOC_WRITE` (userspace to kernel), `_IOC_READ`. */
export const IocDirection = { NONE: 0, WRITE: 1, READ: 2, READ_WRITE: 3 } as const;

/** `POOL_IOC_MAGIC`. */
export const IOC_MAGIC = 'P'.charCodeAt(0);

/** `_IOC(direction, type, number, size)`, as an unsigned number. `size` is at most 16383 bytes. */
export function ioc(direction: number, type: number, number: number, size: number): number {
  return ((direction << DIRSHIFT) | (size << SIZESHIFT) | (type << TYPESHIFT) | number) >>> 0;
}

/** The size of the argument, in bytes, that a request number carries (`_IOC_SIZE`). */
export function iocSize(request: number): number {
  return (request >>> SIZESHIFT) & ((1 << SIZEBITS) - 1);
}

const U16 = 2;
const U32 = 4;
const request = (direction: number, number: number, size: number): number => ioc(direction, IOC_MAGIC, number, size);
const { WRITE, READ_WRITE, NONE } = IocDirection;

/** `POOL_IOC_LISTEN`: in, u16 port. */
export const POOL_IOC_LISTEN = request(WRITE, 1, U16);
/** `POOL_IOC_CONNECT`: in, pool_connect_req; gives the session's index. */
export const POOL_IOC_CONNECT = request(WRITE, 2, structs.ConnectReq.size);
/** `POOL_IOC_SEND`: in, pool_send_req. */
export const POOL_IOC_SEND = request(WRITE, 3, structs.SendReq.size);
/** `POOL_IOC_RECV`: in and out, pool_recv_req. */
export const POOL_IOC_RECV = request(READ_WRITE, 4, structs.RecvReq.size);
/** `POOL_IOC_SESSIONS`: in and out, pool_session_list. */
export const POOL_IOC_SESSIONS = request(READ_WRITE, 5, structs.SessionList.size);
/** `POOL_IOC_CLOSE_SESS`: in, u32 index. */
export const POOL_IOC_CLOSE_SESS = request(WRITE, 6, U32);
/** `POOL_IOC_STOP`: no argument. */
export const POOL_IOC_STOP = request(NONE, 7, 0);
/** `POOL_IOC_CHANNEL`: in and out, pool_channel_req. */
export const POOL_IOC_CHANNEL = request(READ_WRITE, 8, structs.ChannelReq.size);
