/** Numbers that users of the API meet. Those of pool.h are mirrored, all of them, in src/poolioc. */

/** The port that pool.h names, and the one that an address without a port means. */
export const DEFAULT_PORT = 9253;

/** Where the kernel module puts its device. */
export const DEFAULT_DEVICE = '/dev/pool';

/** Bytes: the longest message that every peer and backend takes (kernel contract, hazard 6). */
export const MAX_PORTABLE_MESSAGE = 65511;

/** Bytes that a session may hold in each direction before it stops reading, or makes writers wait: 1 MiB. */
export const DEFAULT_QUEUE_BYTES = 1_048_576;

/** Sessions that may wait for `accept`; the module's own number. */
export const DEFAULT_BACKLOG = 128;
