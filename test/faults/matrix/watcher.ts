import { setTimeout as sleep } from 'node:timers/promises';
import type { Person } from '../../support/shop.ts';
import { type Stream, type Way, stream, watchDocument } from './clients.ts';
import type { Stage } from './stage.ts';
import type { Expected } from './table.ts';

const liveWithinMs = 10_000;
const lookEveryMs = 200;

export type Watcher = { end(expected: Expected, violations: Set<string>): Promise<void> };

/** A subscription from before the fault; it must bring all that happens to the order, also when it had to be taken up again. */
export function watch(stage: Stage, viewer: Person, orderId: string, way: Way): Watcher {
  const seqs: number[] = [];
  const states: string[] = [];
  const endings: string[] = [];
  let taken = 0;
  let opened: Stream = openFrom(0);
  function openFrom(after: number): Stream {
    taken = 0;
    return stream(stage.shop, way, watchDocument, { variables: { id: orderId, after }, token: viewer.token });
  }
  function look(): void {
    for (const { data, errors } of opened.results.slice(taken)) {
      taken += 1;
      const notice = data?.['orderEvents'] as { seq: number; order: { state: string } } | undefined;
      if (notice) {
        seqs.push(notice.seq);
        states.push(notice.order.state);
      } else endings.push(errors?.map(({ extensions }) => extensions?.code).join() ?? 'an empty notice');
    }
    const end = opened.ended();
    if (end === undefined) return;
    if (end !== 'complete') endings.push(endingOf(end.error));
    opened.close();
    opened = openFrom(seqs.at(-1) ?? 0);
  }
  const looking = setInterval(look, lookEveryMs);
  return {
    async end(expected, violations) {
      const deadlineMs = Date.now() + liveWithinMs;
      while (!states.includes('PAID') && Date.now() < deadlineMs) await sleep(50);
      clearInterval(looking);
      look();
      opened.close();
      if (!states.includes('PAID'))
        violations.add(`live by ${way}: PAID was not told; states ${states.join()}; endings ${endings.join()}`);
      if (seqs.some((seq, place) => seq !== place + 1)) violations.add(`live by ${way}: seqs ${seqs.join()}`);
      const wrong =
        expected.live === 'stays'
          ? endings
          : endings.filter((ending) => !/SERVICE_UNAVAILABLE|1012|1013|503/.test(ending));
      if (wrong.length > 0)
        violations.add(`live by ${way}, expected ${expected.live}: ended with ${[...new Set(wrong)].join()}`);
    },
  };
}

function endingOf(error: unknown): string {
  if (Array.isArray(error)) return error.map(({ extensions, message }: { extensions?: { code?: string }; message: string }) => extensions?.code ?? message).join(); // prettier-ignore
  const { code, reason, message, response } = error as {
    code?: number;
    reason?: string;
    message?: string;
    response?: Response;
  };
  return `${code ?? response?.status ?? ''} ${reason ?? message ?? ''}`.trim();
}
