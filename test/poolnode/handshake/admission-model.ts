/**
 * The rule of admission once more, as plainly as it can be told: one list in order of arrival, and each question answered
 * by looking at all of it. What it does is told by number: `start 3`, `too-many-handshakes 3`, `handshake-failed 3`.
 */
import type { HandshakeLimits } from '../../../src/poolnode/types.js';

type Stage = 'waiting' | 'started' | 'silent' | 'challenged';

interface Connection {
  id: number;
  address: string;
  stage: Stage;
  since: bigint;
}

const NS_PER_MS = 1e6;

export class AdmissionModel {
  /** In order of arrival. */
  #all: Connection[] = [];
  /** In order of their starts. */
  #starts: Connection[] = [];
  /** Of each address the tokens it has, and since when. */
  readonly #tokens = new Map<string, { count: number; at: bigint }>();
  readonly #limits: HandshakeLimits;
  readonly #tell: (event: string) => void;

  constructor(limits: HandshakeLimits, tell: (event: string) => void) {
    this.#limits = limits;
    this.#tell = tell;
  }

  get pending(): number {
    return this.#all.length;
  }

  get busy(): boolean {
    return this.#all.filter(({ stage }) => stage === 'challenged').length > this.#limits.busyAbove;
  }

  arrive(id: number, address: string, now: bigint): void {
    this.#all.push({ id, address, stage: 'waiting', since: now });
    if (this.#all.length > this.#limits.pending) this.#refuse(this.#weakest(), 'too-many-handshakes');
    this.#start(now);
  }

  silent(id: number): void {
    const connection = this.#all.find((one) => one.id === id);
    if (connection?.stage === 'started') connection.stage = 'silent';
  }

  challenged(id: number): void {
    const connection = this.#all.find((one) => one.id === id);
    if (connection !== undefined && connection.stage !== 'waiting') connection.stage = 'challenged';
  }

  release(id: number, now: bigint): void {
    const connection = this.#all.find((one) => one.id === id);
    if (connection === undefined) return;
    this.#remove(connection);
    this.#start(now);
  }

  proceed(now: bigint): void {
    let ended = 1;
    while (ended > 0) {
      ended = 0;
      for (const connection of [...this.#starts, ...this.#all.filter(({ stage }) => stage === 'waiting')]) {
        const { stage } = connection;
        if (stage === 'started' || Number(now - connection.since) / NS_PER_MS < this.#patience(connection)) continue;
        this.#refuse(connection, stage === 'waiting' ? 'too-many-handshakes' : 'handshake-failed');
        ended++;
      }
      this.#start(now);
    }
  }

  /** ms. */
  #patience({ stage, address }: Connection): number {
    const { queueTimeout, initTimeout, minInitTimeout, timeout, minTimeout, started } = this.#limits;
    if (stage === 'waiting') return queueTimeout;
    const ofAddress = this.#starts.filter((one) => one.address === address).length;
    const load = Math.max(this.#starts.length / started, ofAddress / this.#share());
    const [most, least] = stage === 'challenged' ? [timeout, minTimeout] : [initTimeout, minInitTimeout];
    return load <= 0.5 ? most : most - (most - least) * Math.min(1, 2 * load - 1);
  }

  #share(): number {
    const { started, startedPerAddress } = this.#limits;
    const quarterOfFree = Math.floor((started - this.#starts.length) / 4);
    return Math.max(1, Math.min(startedPerAddress, quarterOfFree));
  }

  #weakest(): Connection {
    const count = (address: string): number => this.#all.filter((one) => one.address === address).length;
    const most = Math.max(...this.#all.map(({ address }) => count(address)));
    const largest = this.#all.filter(({ address }) => count(address) === most);
    for (const stage of ['silent', 'waiting', 'started', 'challenged']) {
      const oldest = largest.find((one) => one.stage === stage);
      if (oldest !== undefined) return oldest;
    }
    throw new Error('nobody is pending');
  }

  #start(now: bigint): void {
    for (;;) {
      const { started } = this.#limits;
      if (this.#starts.length >= started) return;
      const ofAddress = ({ address }: Connection): number =>
        this.#starts.filter((one) => one.address === address).length;
      const may = this.#all
        .filter(({ stage }) => stage === 'waiting')
        .filter((one) => ofAddress(one) < this.#share())
        .filter(({ address }) => !this.busy || this.#tokensOf(address, now) >= 1);
      // Sorting is stable: of those with as few, the oldest stays in front.
      const next = may.sort((a, b) => ofAddress(a) - ofAddress(b))[0];
      if (next === undefined) return;
      if (this.busy) this.#tokens.set(next.address, { count: this.#tokensOf(next.address, now) - 1, at: now });
      next.stage = 'started';
      next.since = now;
      this.#starts.push(next);
      this.#tell(`start ${next.id}`);
    }
  }

  #tokensOf(address: string, now: bigint): number {
    const { rate, burst } = this.#limits;
    const bucket = this.#tokens.get(address);
    if (bucket === undefined) return burst;
    const gained = (Number(now - bucket.at) * rate) / 1e9;
    // Times are whole ms, so that a token more or less is never a question of rounding.
    return Math.min(burst, Math.round((bucket.count + gained) * 1e6) / 1e6);
  }

  #refuse(connection: Connection, reason: string): void {
    this.#remove(connection);
    this.#tell(`${reason} ${connection.id}`);
  }

  #remove(connection: Connection): void {
    this.#all = this.#all.filter((one) => one !== connection);
    this.#starts = this.#starts.filter((one) => one !== connection);
  }
}
