/** Errors of dial, listen and resolve: a sentence of operation, address and reason, as Go's `net.OpError` prints it. */
import { PoolError } from '../../base/errors.js';
import { isReason } from '../call-site.js';
import { targetName, type Target } from './target.js';

/**
 * What the operation rejects with because of `error`. One of ours, whose message is the reason alone, becomes the whole
 * sentence, with what caused it as the cause; anything else, and the signal's reason, stays what it is.
 */
export function targetError(op: string, target: Target, error: unknown, signal?: AbortSignal): unknown {
  if (!(error instanceof PoolError) || isReason(error, signal)) return error;
  return new PoolError(error.code, `${op} ${targetName(target)}: ${error.message}`, {
    errno: error.errno,
    // Whoever knows net looks for its word; the sentence says dial, as the call is named.
    syscall: op === 'dial' ? 'connect' : op,
    address: target.host,
    port: target.port,
    errors: error.errors,
    cause: error.cause,
  });
}
