/**
 * Exit codes of the command line, as BSD's sysexits.h numbers them: scripts tell a wrong command from a missing device and
 * a device from a peer. What ends by a signal has 128 plus the signal's number, as shells have it.
 */
export const EXIT = {
  OK: 0,
  /** The network or the peer said no, or the conversation broke off: the code of most failures. */
  FAILURE: 1,
  /** EX_USAGE: unknown options, bad addresses, numbers out of range. */
  USAGE: 64,
  /** EX_DATAERR: what arrived is not what was sent: a digest that does not fit. */
  DATA: 65,
  /** EX_NOINPUT: a file that is missing or can't be read. */
  NO_INPUT: 66,
  /** EX_NOHOST: a name that has no address. */
  NO_HOST: 68,
  /** EX_UNAVAILABLE: something of the machine is missing, as the device. */
  UNAVAILABLE: 69,
  /** EX_SOFTWARE: a fault of pool-ts itself. */
  SOFTWARE: 70,
  /** EX_CANTCREAT: a file that can't be made. */
  CANNOT_CREATE: 73,
  /** EX_IOERR: reading or writing failed under way: a full disk. */
  IO: 74,
  /** EX_TEMPFAIL: a timeout, a full session table: trying again may help. */
  TEMPORARY: 75,
  /** EX_PROTOCOL: the peer broke the protocol, or its authentication failed. */
  PROTOCOL: 76,
  /** EX_NOPERM: the system forbids it. */
  NO_PERMISSION: 77,
  SIGHUP: 129,
  SIGINT: 130,
  SIGPIPE: 141,
  SIGTERM: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
