/** The processes of a soak, its rounds, and what they come to. */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { generator } from '../../generator.js';
import { Delays } from './delays.js';
import type { Side } from './life.js';
import type { Order, Settings, Target, Told } from './peer.js';
import { grown, type Sample } from './verdict.js';

export interface SoakOptions {
  readonly minutes: number;
  readonly rekeySeconds: number;
  readonly killsAMinute: number;
  readonly seed: number;
  /** Takes a line of what was done so far, once a minute, of each process at rest, and of whatever goes wrong. */
  readonly print: (line: string) => void;
}

/** A round takes a sixth of the time, but no more and no less ms than these. */
const ROUNDS = 6;
const SHORTEST_ROUND = 10_000;
const LONGEST_ROUND = 300_000;
/** The part of a round for which a network swallows everything: long enough, in rounds of minutes, for a peer to be lost. */
const SILENT_PART = 0.1;
/** ms that a round may take longer than it should, and a process to be at rest or to end: then it hangs. */
const LATE_MS = 120_000;
/** Things that went wrong, of which each has its words; the rest is counted. */
const TOLD_FAILURES = 20;

/** A place among the four; whoever is killed is followed by another. */
class Actor {
  child!: ChildProcess;
  port = 0;
  incarnation = 0;
  resting = true;
  killed = false;
  ended = false;
  sampled: Extract<Told, { is: 'sampled' }> | null = null;
  readonly samples: Sample[] = [];
  cpu = 0;

  constructor(
    readonly name: string,
    readonly role: Side,
    readonly mortal: boolean,
  ) {}

  order(order: Order): void {
    if (this.child.connected) this.child.send(order);
  }
}

/** Runs it. Returns what went wrong, in words; nothing where all went as promised. */
export async function soak(options: SoakOptions): Promise<string[]> {
  const run = new Soak(options);
  try {
    await run.play();
  } catch (error) {
    run.fail((error as Error).message);
  } finally {
    run.killAll();
  }
  return run.verdict();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #random: () => number;
  readonly #changed = new EventEmitter();
  readonly #server = new Actor('server', 'server', false);
  readonly #mortalServer = new Actor('mortal server', 'server', true);
  readonly #client = new Actor('client', 'client', false);
  readonly #mortalClient = new Actor('mortal client', 'client', true);
  readonly #actors = [this.#server, this.#mortalServer, this.#client, this.#mortalClient];
  /** What is weighed: an hour of one process. */
  readonly #lasting = [this.#server, this.#client];
  readonly #began = performance.now();
  readonly #counts = { messages: 0, bytes: 0, cancelled: 0, complete: 0, failed: 0, rekeys: 0, kills: 0 };
  readonly #codes = new Map<string, number>();
  readonly #failures: string[] = [];
  #otherFailures = 0;
  #roundEnds = 0;
  /** A process that nobody killed. */
  #died: string | null = null;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#random = generator(options.seed);
  }

  async play(): Promise<void> {
    const { minutes, print } = this.#options;
    const roundMs = this.#roundMs();
    for (const actor of this.#actors) this.#start(actor);
    await this.#until(() => this.#actors.every(({ port, role }) => role === 'client' || port > 0), LATE_MS, 'no start');
    const lines = setInterval(() => print(this.#line()), 60_000);
    try {
      for (let left = minutes * 60_000; left > 0; left -= roundMs) await this.#round(Math.min(roundMs, left));
    } finally {
      clearInterval(lines);
    }
    print(this.#line());
    for (const actor of this.#actors) actor.order({ do: 'end' });
    await this.#until(() => this.#actors.every(({ ended }) => ended), LATE_MS, 'a process did not end by itself');
  }

  verdict(): string[] {
    const found = this.#lasting.flatMap(({ name, samples }) => grown(name, samples));
    const { complete, rekeys } = this.#counts;
    const { minutes, rekeySeconds } = this.#options;
    // A soak in which nothing happened shows nothing.
    if (complete === 0) found.push('no life was complete');
    if (rekeySeconds < Math.min(this.#roundMs(), minutes * 60_000) / 1000 && rekeys === 0)
      found.push('no session had a REKEY');
    if (this.#otherFailures > 0) found.push(`and ${this.#otherFailures} more`);
    return [...this.#failures, ...found];
  }

  killAll(): void {
    for (const { child } of this.#actors) child?.kill('SIGKILL');
  }

  #roundMs(): number {
    return Math.min(LONGEST_ROUND, Math.max(SHORTEST_ROUND, (this.#options.minutes * 60_000) / ROUNDS));
  }

  #start(actor: Actor): void {
    const { seed, rekeySeconds } = this.#options;
    const { mortal, incarnation } = actor;
    const silentSeconds = (SILENT_PART * this.#roundMs()) / 1000;
    const settings: Settings = { seed, rekeySeconds, silentSeconds, mortal, incarnation };
    const file = fileURLToPath(new URL('./peer.ts', import.meta.url));
    actor.child = fork(file, [actor.role, JSON.stringify(settings)], {
      execArgv: ['--import', 'tsx', '--expose-gc', '--unhandled-rejections=strict'],
    });
    actor.killed = false;
    actor.child.on('message', (told: Told) => this.#told(actor, told));
    actor.child.on('exit', (code, signal) => this.#exited(actor, code ?? signal));
  }

  #exited(actor: Actor, how: number | string | null): void {
    actor.ended = how === 0;
    if (actor.killed) {
      actor.incarnation += 1;
      this.#start(actor);
    } else if (how !== 0) {
      this.#died = `${actor.name} ended with ${how}`;
    }
    this.#changed.emit('change');
  }

  #told(actor: Actor, told: Told): void {
    if (told.is === 'ready') {
      actor.port = told.port;
      if (actor === this.#mortalServer) this.#client.order({ do: 'moved', port: told.port });
      if (actor === this.#mortalClient && actor.incarnation > 0) this.#begin(actor);
    } else if (told.is === 'life') {
      const counts = this.#counts;
      counts[told.complete ? 'complete' : 'failed'] += 1;
      counts.rekeys += told.rekeys;
      for (const key of ['messages', 'bytes', 'cancelled'] as const) counts[key] += told.seen[key];
      if (told.code !== null) this.#codes.set(told.code, (this.#codes.get(told.code) ?? 0) + 1);
      if (told.wrong !== null) this.fail(`the ${actor.name}: ${told.wrong}`);
      return;
    } else if (told.is === 'rested') actor.resting = true;
    else actor.sampled = told;
    this.#changed.emit('change');
  }

  #begin(client: Actor): void {
    const ms = this.#roundEnds - performance.now();
    if (ms <= 0) {
      client.resting = true;
      return;
    }
    const targets: Target[] = [{ port: this.#server.port, mortal: false, lasting: 1, short: 2 }];
    if (!client.mortal) targets.push({ port: this.#mortalServer.port, mortal: true, lasting: 1, short: 2 });
    client.resting = false;
    client.order({ do: 'round', ms, targets });
  }

  async #round(ms: number): Promise<void> {
    this.#roundEnds = performance.now() + ms;
    const clients = [this.#client, this.#mortalClient];
    for (const client of clients) this.#begin(client);
    const kills = this.#killing();
    await this.#until(() => clients.every(({ resting }) => resting), ms + LATE_MS, 'a round did not end');
    clearTimeout(kills.timer);
    const delays = new Delays();
    for (const actor of this.#lasting) {
      actor.sampled = null;
      actor.order({ do: 'sample' });
    }
    await this.#until(() => this.#lasting.every(({ sampled }) => sampled !== null), LATE_MS, 'no rest');
    for (const actor of this.#lasting) {
      const { sample, delays: boxes, cpu } = actor.sampled!;
      actor.samples.push(sample);
      actor.cpu = cpu;
      delays.join(boxes);
    }
    this.#options.print(
      `rest: ${this.#weights()}; delay p50 ${ms2(delays.quantile(0.5))}, p99 ${ms2(delays.quantile(0.99))}`,
    );
  }

  /** Kills at random moments of the round; none in its last seconds, in which what comes after could not begin. */
  #killing(): { timer: NodeJS.Timeout | undefined } {
    const { killsAMinute } = this.#options;
    const kills: { timer: NodeJS.Timeout | undefined } = { timer: undefined };
    const next = (): void => {
      const wait = (-Math.log(1 - this.#random()) * 60_000) / killsAMinute;
      const victim = this.#random() < 0.5 ? this.#mortalServer : this.#mortalClient;
      if (performance.now() + wait > this.#roundEnds - 2000) return;
      kills.timer = setTimeout(() => {
        this.#counts.kills += 1;
        victim.killed = true;
        victim.child.kill('SIGKILL');
        next();
      }, wait);
    };
    if (killsAMinute > 0) next();
    return kills;
  }

  async #until(done: () => boolean, limit: number, late: string): Promise<void> {
    const signal = AbortSignal.timeout(limit);
    while (!done()) {
      if (this.#died !== null) throw new Error(`the ${this.#died} (seed ${this.#options.seed})`);
      await once(this.#changed, 'change', { signal }).catch(() => {
        throw new Error(`${late} within ${limit} ms (seed ${this.#options.seed})`);
      });
    }
  }

  fail(failure: string): void {
    if (this.#failures.length < TOLD_FAILURES) {
      this.#failures.push(failure);
      // At once: it may be the end of a long night.
      this.#options.print(`wrong: ${failure}`);
    } else this.#otherFailures += 1;
  }

  #line(): string {
    const { messages, bytes, cancelled, complete, failed, rekeys, kills } = this.#counts;
    const minutes = ((performance.now() - this.#began) / 60_000).toFixed(0);
    const codes = Array.from(this.#codes, ([code, count]) => `${code} ${count}`).join(', ');
    return (
      `${minutes} min: ${messages} messages, ${(bytes / 1e6).toFixed(0)} MB, ${complete} ends complete, ${failed} failed ` +
      `(${codes}), ${rekeys} rekeys, ${cancelled} cancelled, ${kills} kills, ${this.#failures.length} wrong`
    );
  }

  #weights(): string {
    return this.#lasting
      .map(({ name, samples, cpu }) => {
        const { heap, descriptors, threads, sessions } = samples.at(-1)!;
        const mib = (heap / 1024 / 1024).toFixed(2);
        return `${name} ${mib} MiB, ${descriptors} descriptors, ${threads} threads, ${sessions} sessions, ${cpu.toFixed(0)} s of CPU`;
      })
      .join('; ');
  }
}

const ms2 = (ms: number): string => `${ms.toFixed(2)} ms`;
