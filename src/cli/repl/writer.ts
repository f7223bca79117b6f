/** How the REPL shows values: as Node's does, but for the errors of pool-ts, which are one line. */
import { writer as nodeWriter } from 'node:repl';
import { inspect } from 'node:util';
import { PoolError } from '../../index.js';

/** Node's REPL reads `options` of its writer, breakLength among them. */
export type ReplWriter = ((value: unknown) => string) & { options: typeof nodeWriter.options };

export function replWriter(colors: boolean): ReplWriter {
  const options = { ...nodeWriter.options, colors };
  const write = (value: unknown): string => {
    // The stack of a refused dial would show Node's own frames and hide what is to be read.
    if (value instanceof PoolError) return `${value.name} [${value.code}]: ${value.message}`;
    return inspect(value, options);
  };
  return Object.assign(write, { options });
}
