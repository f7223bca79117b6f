/** The contract that every Conn keeps, whatever carries it. */
import { namesOf, refuseUnknown } from '../base/option-names.js';
import { channels } from './channel-rules.js';
import { closing } from './closing-rules.js';
import { type ConnCase, type ConnContractOptions, type MakePipe, toCases } from './contract-case.js';
import { deadlines } from './deadline-rules.js';
import { nettest } from './nettest.js';
import { readingAndWriting } from './read-write-rules.js';

const OPTIONS = namesOf<ConnContractOptions>({ lossyClose: true, knownAddresses: true, timeout: true });

/**
 * The checks of the contract, to be run by any test runner: the eleven behaviours of Go's nettest, and one for each rule
 * that a pair of Conns can show. Each makes a pair of its own and stops it.
 * @param makePipe makes two Conns that are each other's peer
 * @throws PoolError ERR_INVALID_ARG_VALUE for an option that isn't there
 * @example for (const { name, run } of testConn(makePipe)) test(name, run);
 */
export function testConn(makePipe: MakePipe, options: ConnContractOptions = {}): ConnCase[] {
  refuseUnknown(options, OPTIONS);
  const { lossyClose = false, knownAddresses = true, timeout = 30_000 } = options;
  const checks = { ...nettest, ...readingAndWriting, ...deadlines, ...closing, ...channels };
  return toCases(checks, makePipe, { lossyClose, knownAddresses, timeout });
}
