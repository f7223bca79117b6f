/** What waits to be done for processes: each has its turn, however much another wants to have done. */
export class CopyQueue<Job extends { process: number }> {
  /** In order of their next turn. */
  readonly #processes = new Map<number, Job[]>();

  get isEmpty(): boolean {
    return this.#processes.size === 0;
  }

  push(job: Job): void {
    const jobs = this.#processes.get(job.process);
    if (jobs === undefined) this.#processes.set(job.process, [job]);
    else jobs.push(job);
  }

  /** The next job of a process that `may` have one done. */
  take(may: (process: number) => boolean): Job | undefined {
    for (const [process, jobs] of this.#processes) {
      if (!may(process)) continue;
      const job = jobs.shift();
      this.#processes.delete(process);
      if (jobs.length > 0) this.#processes.set(process, jobs);
      return job;
    }
    return undefined;
  }

  /** Whether `take` would find one. */
  has(may: (process: number) => boolean): boolean {
    return [...this.#processes.keys()].some(may);
  }

  /** False: it did not wait. */
  remove(job: Job): boolean {
    const jobs = this.#processes.get(job.process);
    const at = jobs?.indexOf(job) ?? -1;
    if (jobs === undefined || at < 0) return false;
    jobs.splice(at, 1);
    if (jobs.length === 0) this.#processes.delete(job.process);
    return true;
  }

  /** All that waits, or all of one process, and it waits no longer. */
  drain(process?: number): Job[] {
    const of = process === undefined ? [...this.#processes.keys()] : [process];
    return of.flatMap((one) => {
      const jobs = this.#processes.get(one) ?? [];
      this.#processes.delete(one);
      return jobs;
    });
  }
}
