/** What a case of the benchmark is, and what it says. */

export interface CaseOptions {
  rounds: number;
  /** Of a round, about. */
  seconds: number;
}

/** One line of the table: two figures of one run, and what their ratio should be. */
export interface Row {
  work: string;
  against: string;
  ours: number;
  theirs: number;
  unit: string;
  /** `ours` by `theirs`. */
  ratio: number;
  /** The ratio of the CPU time that both processes of each took for it, where that was measured: steadier than the clock. */
  cpuRatio?: number;
  goal: number;
  beyond?: number;
  /** Whether a ratio above the goal is good, or one below. */
  better: 'above' | 'below';
}

export interface Case {
  name: string;
  run(options: CaseOptions): Promise<Row[]>;
}

export function verdict({ ratio, goal, beyond, better }: Row): string {
  const reaches = (bound: number): boolean => (better === 'above' ? ratio >= bound : ratio <= bound);
  if (beyond !== undefined && reaches(beyond)) return 'beyond';
  return reaches(goal) ? 'reached' : 'missed';
}
