/**
 * Where the kernel module, and a served device that imitates it, may fall short of what a served device otherwise
 * does. The whole list: features, the Conn contract and the documentation (docs/kernel-contract.md, section 5) take it from
 * here, and any other difference is a fault.
 */

/** What a backend does about each of them; the first word of each is what a user may expect. */
export interface Behaviour {
  /** What has not been received when the peer's CLOSE comes. */
  readonly queuedAtClose: 'kept' | 'may be lost';
  /** The peer's address on an accepted connection. */
  readonly acceptedRemote: 'known' | 'may be unknown';
  /** A connection's own address. */
  readonly localAddress: 'known' | 'may be unknown';
  /** LISTEN of a second port. */
  readonly secondListen: 'refused' | 'ignored';
  /** A message of more than 65511 bytes, in a slot that was never used. */
  readonly longMessage: 'carried' | 'breaks the session';
  /** What a peer sends to a session of the device that nobody reads. */
  readonly unreadMessages: 'hold the peer back' | 'may all be taken';
}

export const GOOD_BEHAVIOUR: Behaviour = {
  queuedAtClose: 'kept',
  acceptedRemote: 'known',
  localAddress: 'known',
  secondListen: 'refused',
  longMessage: 'carried',
  unreadMessages: 'hold the peer back',
};

export const MODULE_BEHAVIOUR: Behaviour = {
  queuedAtClose: 'may be lost',
  acceptedRemote: 'may be unknown',
  localAddress: 'may be unknown',
  secondListen: 'ignored',
  longMessage: 'breaks the session',
  unreadMessages: 'may all be taken',
};

/** One row of the documentation. */
export interface ModuleDifference {
  readonly letter: string;
  readonly subject: string;
  readonly served: string;
  readonly module: string;
}

export const MODULE_DIFFERENCES: Readonly<Record<keyof Behaviour, ModuleDifference>> = {
  queuedAtClose: {
    letter: 'a',
    subject: "messages not yet received when the peer's CLOSE comes",
    served: 'are read first, and then the end',
    module: 'may be lost, and the read gives null',
  },
  acceptedRemote: {
    letter: 'b',
    subject: 'the remote address of an accepted Conn',
    served: 'is the true one',
    module: 'is `[::]:0` where /proc/net/tcp does not tell it',
  },
  localAddress: {
    letter: 'c',
    subject: 'the local address of a Conn',
    served: 'is the true one',
    module: 'is `[::]` with the listening port, or with 0, where /proc/net/tcp does not tell it',
  },
  secondListen: {
    letter: 'd',
    subject: 'LISTEN of a second port',
    served: 'gives EADDRINUSE',
    module: 'gives 0 and opens nothing',
  },
  longMessage: {
    letter: 'e',
    subject: 'SEND of 65512 to 65535 bytes in a slot never used before',
    served: 'arrives',
    module: 'gives 0 and breaks the session',
  },
  unreadMessages: {
    letter: 'f',
    subject: 'messages for a session that is not read',
    served: 'hold the peer back',
    module: 'are all taken, into memory of the kernel',
  },
};
