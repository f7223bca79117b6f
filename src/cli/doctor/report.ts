/** A diagnosis as text: a line for each check, what to do below it, and what it all comes to. */
import type { Diagnosis } from './diagnose.js';
import { wrap } from '../screen/reflow.js';
import type { Finding, Status } from './finding.js';

/** Colours of the three words; tests and pipes take them plain. */
export type Paint = Readonly<Record<Status, (text: string) => string>>;

/** Cells of a sentence, however narrow the terminal is. */
const LEAST = 20;

const WIDTH = 'ref-struct-di'.length + 2;

/** For a terminal of `columns`, or for a file, where each sentence is a line. */
export function report({ checks, works, hasDevice, chosen }: Diagnosis, paint: Paint, columns = Infinity): string[] {
  // The backend may be as good as any, and POOL_BACKEND a word that no program accepts.
  const obstacle = works[chosen.backend] ? 'if the environment lets them' : 'which does not work';
  return [
    ...checks.flatMap((finding) => lines(finding, paint, columns)),
    '',
    `user backend:   ${works.user ? 'works' : 'does not work'}`,
    `kernel backend: ${works.kernel ? 'works' : hasDevice ? 'does not work' : 'no device here'}`,
    `programs here take the ${chosen.backend} backend${chosen.works ? '' : `, ${obstacle}: see above`}`,
  ];
}

function lines({ check, status, says, next }: Finding, paint: Paint, columns: number): string[] {
  const indent = 6 + WIDTH;
  const below = ' '.repeat(indent);
  const room = Math.max(LEAST, columns - indent);
  const [first = '', ...rest] = wrap(says, room);
  const line = `${paint[status](status.padEnd(4))}  ${check.padEnd(WIDTH)}${first}`;
  const todo = next === undefined ? [] : wrap(`→ ${next}`, room);
  return [line, ...[...rest, ...todo].map((more) => below + more)];
}
