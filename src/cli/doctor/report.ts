/** A diagnosis as text: a line for each check, what to do below it, and what it all comes to. */
import type { Diagnosis } from './diagnose.js';
import type { Finding, Status } from './finding.js';

/** Colours of the three words; tests and pipes take them plain. */
export type Paint = Readonly<Record<Status, (text: string) => string>>;

const WIDTH = 'ref-struct-di'.length + 2;

export function report({ checks, works, hasDevice, chosen }: Diagnosis, paint: Paint): string[] {
  return [
    ...checks.flatMap((finding) => lines(finding, paint)),
    '',
    `user backend:   ${works.user ? 'works' : 'does not work'}`,
    `kernel backend: ${works.kernel ? 'works' : hasDevice ? 'does not work' : 'no device here'}`,
    `programs here take the ${chosen.backend} backend${chosen.works ? '' : ', which does not work: see above'}`,
  ];
}

function lines({ check, status, says, next }: Finding, paint: Paint): string[] {
  const line = `${paint[status](status.padEnd(4))}  ${check.padEnd(WIDTH)}${says}`;
  return next === undefined ? [line] : [line, `${' '.repeat(6 + WIDTH)}→ ${next}`];
}
