/** One file descriptor out of a Unix socket's control message: unix(7), SCM_RIGHTS, in the layout of 64-bit Linux. */
import { Errno } from '../../base/errno.js';
import type { ServerLibc } from '../server-libc.js';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** sizeof(struct cmsghdr): cmsg_len, cmsg_level, cmsg_type. */
const CMSG_HEADER_BYTES = 16;

/** The fd, or a negative errno; EPROTO where a message without an fd came. */
export function receiveFd(libc: ServerLibc, socket: number): number {
  // One allocation, so that what the pointers lead to lives exactly as long as the message itself.
  const memory = Buffer.alloc(97);
  const [message, vector, control, data] = [
    memory.subarray(0, 56),
    memory.subarray(56, 72),
    memory.subarray(72, 96),
    memory.subarray(96),
  ];
  const start = libc.address(memory);
  vector.writeBigUInt64LE(start + 96n, 0);
  vector.writeBigUInt64LE(BigInt(data.length), 8);
  message.writeBigUInt64LE(start + 56n, 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(start + 72n, 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  const ret = libc.recvmsg(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (ret < 0) return ret;
  const length = Number(control.readBigUInt64LE(0));
  const isRights = control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS;
  return length === CMSG_HEADER_BYTES + 4 && isRights ? control.readInt32LE(CMSG_HEADER_BYTES) : -Errno.EPROTO;
}
