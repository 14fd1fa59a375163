import { setTimeout as sleep } from 'node:timers/promises';
import type { Person } from '../../support/shop.ts';
import { type Got, browse, browseByHash, browseOver, place, readOrder, signIn, startPayment } from './clients.ts';
import { type Kind, isAllowed, kindOf } from './judge.ts';
import { type Expected, type Outage, type Probe, probes } from './table.ts';
import type { Times } from './times.ts';
import type { Stage } from './stage.ts';

const probeEveryMs = 400;
/** Until a fault has reached whoever waits for an answer. */
const settleMs = 1_000;
export const answerMs = 3_000;
const slowAnswerMs = 11_000;

/** An order to be paid while the fault lasts, by the same key until it is. */
export type Payable = { readonly orderId: string; readonly key: string };

type Asked = { faultBegan(): void; faultEnds(): void; end(): Promise<Record<Probe, Record<string, number>>> };

/** Asks as clients do, over and over, and judges each answer that came while the fault lasted. */
export function askAll(
  { stage, productId }: { stage: Stage; productId: string },
  prober: Person,
  orderId: string,
  expected: Expected,
  options: { outage: Outage; clock: Times; violations: Set<string>; payable: Payable[] },
): Asked {
  const { shop } = stage;
  const { outage, clock, violations, payable } = options;
  const seen = emptySeen();
  const limitMs = outage.fault === 'slow by 2 s' ? slowAnswerMs : answerMs;
  let beganMs = Infinity;
  let endedMs = Infinity;
  let stopped = false;
  let browses = 0;
  const asks: Readonly<Record<Probe, () => Promise<Got>>> = {
    browse: () => ((browses += 1) % 2 === 0 ? browse(shop) : browseByHash(shop)),
    'read an order': () => readOrder(shop, prober, orderId),
    'sign in': () => signIn(shop, prober),
    place: () => place(shop, prober, productId),
    async pay() {
      const next = payable[0] as Payable;
      const got = await startPayment(shop, prober, next.orderId, next.key);
      if (kindOf(got) === 'works' && payable.length > 1) payable.shift();
      return got;
    },
  };
  const fits = (kind: Kind, probe: Probe, sinceMs: number): boolean =>
    isAllowed(kind, expected[probe]) || (sinceMs < settleMs && isAllowed(kind, 'either'));

  async function one(probe: Probe): Promise<void> {
    while (!stopped) {
      const askedMs = performance.now();
      const sinceMs = askedMs - beganMs;
      const kindAndTime = await asks[probe]().then(
        (got) => ({ kind: kindOf(got), tookMs: got.tookMs }),
        (error: Error) => ({ kind: `wrong: no answer (${error.message} ${(error.cause as Error | undefined)?.message ?? ''})` as Kind, tookMs: performance.now() - askedMs }), // prettier-ignore
      );
      const { kind, tookMs } = kindAndTime;
      if (sinceMs >= 0 && askedMs < endedMs) {
        const word = kind.startsWith('wrong') ? 'wrong' : kind;
        seen[probe][word] = (seen[probe][word] ?? 0) + 1;
        if (!fits(kind, probe, sinceMs)) violations.add(`${probe}, expected ${expected[probe]}: ${withoutIds(kind)}`);
        clock.took(
          `${probe}: an answer (${word}), asked ${Math.round(sinceMs)} ms after the beginning,`,
          tookMs,
          limitMs,
        );
      }
      await sleep(probeEveryMs);
    }
  }
  async function live(): Promise<void> {
    while (!stopped) {
      const response = await fetch(`${shop.url}/health/live`, { signal: AbortSignal.timeout(answerMs * 2) }).catch((error: Error) => error); // prettier-ignore
      if (response instanceof Error || response.status !== 200)
        violations.add(`liveness: ${response instanceof Error ? response.message : response.status}`);
      await sleep(probeEveryMs);
    }
  }
  async function streams(): Promise<void> {
    for (const way of ['WebSocket', 'SSE'] as const) {
      const { result, error, tookMs } = await browseOver(shop, way);
      const codes = result?.errors?.map(({ extensions }) => extensions?.code) ?? [];
      const isRight = result !== undefined && error === undefined && codes.length === 0;
      const isRefused = codes.length > 0 && codes.every((code) => code === 'SERVICE_UNAVAILABLE' || code === 'DEADLINE_EXCEEDED'); // prettier-ignore
      const isFine = expected.browse === 'works' ? isRight : isRight || isRefused;
      if (!isFine) violations.add(`browse by ${way}, expected ${expected.browse}: ${withoutIds(JSON.stringify({ result, error: String(error) }).slice(0, 300))}`); // prettier-ignore
      clock.took(`browse by ${way}: an answer`, tookMs, limitMs);
    }
  }
  const running: Promise<void>[] = [];
  return {
    faultBegan() {
      beganMs = performance.now();
      running.push(...probes.map(one), live());
      if (outage.fault !== 'refuses for 0.2 s') running.push(sleep(settleMs).then(streams));
    },
    faultEnds: () => void (endedMs = performance.now()),
    async end() {
      stopped = true;
      await Promise.all(running);
      for (const probe of probes)
        if (expected[probe] === 'refused' && !seen[probe]['refused']) violations.add(`${probe}: never refused: ${JSON.stringify(seen[probe])}`); // prettier-ignore
      return seen;
    },
  };
}

export const emptySeen = (): Record<Probe, Record<string, number>> =>
  Object.fromEntries(probes.map((probe) => [probe, {}])) as Record<Probe, Record<string, number>>;

/** The same refusal of two requests is one finding. */
export const withoutIds = (text: string): string =>
  text.replace(/[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '…');
