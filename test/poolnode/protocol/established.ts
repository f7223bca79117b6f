/** Sessions of pool-ts with a scripted module at the other end, and the carrying of bytes between the two. */
import type { SessionLimits } from '../../../src/poolnode/protocol/types.js';
import { PacketType } from '../../../src/poolnode/protocol/constants.js';
import { concat, handshakes, type PairOptions, SECOND, Side } from './pair.js';
import { ScriptedModule } from './scripted-module.js';

/** What our side asks of the module, which knows nothing of it. */
type Credentials = Pick<PairOptions, 'clientCredentials' | 'serverCredentials'>;

/** Bases as a module draws them, far from each other and from pool-ts's ranges. */
function bases(): () => bigint {
  let next = 0x9000_0000_0000_0000n;
  return () => (next += 1n << 56n);
}

export class WithModule {
  now = 1_000n * SECOND;
  readonly module = new ScriptedModule(bases());
  readonly side: Side;

  constructor(role: 'client' | 'server', limits: Partial<SessionLimits> = {}, credentials: Credentials = {}) {
    const { client, server } = handshakes({
      difficulty: 0,
      clientLimits: limits,
      serverLimits: limits,
      ...credentials,
    });
    if (role === 'client') {
      client.advance(this.now);
      this.module.challenge(concat(client.takeOutput()));
      client.receive(this.module.take());
      client.advance(this.now);
      this.module.receive(concat(client.takeOutput()));
      this.module.send(PacketType.Ack);
      client.receive(this.module.take());
      this.side = new Side(client.advance(this.now)!);
    } else {
      this.module.init();
      server.receive(this.module.take());
      server.advance(this.now);
      this.module.response(concat(server.takeOutput()));
      server.receive(this.module.take());
      this.side = new Side(server.advance(this.now)!);
    }
    this.settle();
    this.module.received.length = 0;
  }

  /** What the session wants to send arrives at the module. */
  toModule(): void {
    if (this.side.session.hasOutput) this.module.receive(concat(this.side.session.takeOutput()));
  }

  /** What the module wants to send arrives at the session. */
  toSession(): void {
    const bytes = this.module.take();
    if (bytes.length > 0) this.side.session.receive(bytes);
    this.side.pump(this.now);
  }

  settle(): void {
    for (let round = 0; round < 20; round++) {
      this.toSession();
      this.toModule();
    }
  }

  texts(): string[] {
    return this.side.messages.map(({ data }) => Buffer.from(data).toString());
  }

  moduleTexts(): string[] {
    return this.module.received
      .filter(({ type }) => type === PacketType.Data)
      .map(({ plaintext }) => Buffer.from(plaintext).toString());
  }

  say(text: string): void {
    this.side.session.sendMessage(0, new Uint8Array(Buffer.from(text)), this.now);
  }
}
