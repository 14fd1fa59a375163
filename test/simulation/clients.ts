import type { UserViewer } from '../../subgraphs/shared/auth/viewer.ts';
import { type Refusal, isUnavailable } from '../../subgraphs/shared/errors/errors.ts';
import type { Platform, Running } from './platform.ts';

export const traceId = '0123456789abcdef0123456789abcdef';
export const currency = 'EUR';
/** How often a client asks again that hears nothing. */
export const maxTries = 30;

export type Buyer = { readonly viewer: UserViewer; readonly name: string };
export const staff: UserViewer = {
  kind: 'user',
  userId: '00000000-0000-7000-9000-000000000000',
  roles: ['OPERATOR'],
  sessionId: 'session',
};

type Payload = { readonly userErrors: readonly Refusal[]; readonly replayed: boolean };

/** What is outside the platform and asks it, until it has an answer. */
export class Clients {
  readonly #platform: Platform;
  /** What each key stands for, by what its client was told first. */
  readonly #told = new Map<string, string>();
  /** What a client was told that contradicts what it was told before. */
  readonly contradictions: string[] = [];
  #keys = 0;
  #unfinished = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** True when every client has done what it wanted to. */
  get isQuiet(): boolean {
    return this.#unfinished === 0;
  }

  begin(work: () => Promise<unknown>): void {
    this.#unfinished += 1;
    void work().then(
      () => (this.#unfinished -= 1),
      (error: Error) => this.contradictions.push(`a client fails: ${error.stack ?? error.message}`),
    );
  }

  key(of: string): string {
    return `${of}-${(this.#keys += 1)}`;
  }

  pause(maxMs: number): Promise<void> {
    const { scheduler, outside } = this.#platform;
    return scheduler.timeOf(outside).sleep(this.#platform.scheduler.random.integer(0, maxMs));
  }

  /** Asks until there is an answer, as a client does that has an idempotency key; null when none comes. */
  async ask<T>(name: string, work: (running: Running) => Promise<T>): Promise<T | null> {
    const { network, outside } = this.#platform;
    for (let tries = 0; tries < maxTries; tries += 1) {
      try {
        return await network.request(outside, name, work);
      } catch (error) {
        if (!isUnavailable(error)) {
          this.#platform.complaints.push(`${name} fails: ${(error as Error).stack}`);
          return null;
        }
        await this.pause(2_000);
      }
    }
    return null;
  }

  /** As `ask`, sometimes twice at the same time: somebody has clicked twice. */
  async askOnce<T extends Payload>(
    name: string,
    key: string,
    work: (running: Running) => Promise<T>,
    idOf: (answer: T) => string | undefined,
  ): Promise<T | null> {
    const twice = this.#platform.scheduler.random.chance(0.15);
    const answers = await Promise.all([this.ask(name, work), ...(twice ? [this.ask(name, work)] : [])]);
    for (const answer of answers) {
      const id = answer ? idOf(answer) : undefined;
      if (id === undefined) continue;
      const before = this.#told.get(key);
      if (before !== undefined && before !== id) this.contradictions.push(`I8 ${name} with the key ${key} gave ${before} and ${id}`); // prettier-ignore
      this.#told.set(key, id);
    }
    return answers.find((answer) => answer !== null) ?? null;
  }
}
