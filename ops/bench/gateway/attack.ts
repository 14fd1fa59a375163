import { freePort } from '../../embedded/servers.ts';
import { machineOnly, round, writeResults } from '../measure.ts';
import { openClients } from './clients.ts';
import { distinctQuery } from './graph.ts';
import { type Load, load } from './load.ts';
import { type Heap, reportingHeap, startTarget } from './processes.ts';
import { openStage } from './stage.ts';
import { variants } from './variants.ts';

const normalClients = 8;
const normalDocuments = 20;
const quietSeconds = 10;
/** The attacker's documents begin here, beyond those of the others. */
const firstAttackNumber = 1_000_000;

/**
 * One caller sends many distinct documents, each of which must be parsed, validated and planned, beside others who send
 * a few known ones: what the others see before, during and after, and what the gateway keeps.
 *
 * @param args `[documents = 10000] [connections of the attacker = 8]`
 */
export async function benchGatewayAttack(args: readonly string[]): Promise<void> {
  const [documents = 10_000, connections = 8] = args.map(Number);
  const bodies = Array.from({ length: normalDocuments }, (_, number) =>
    JSON.stringify({ query: distinctQuery(number) }),
  );
  const clients = await openClients();
  const stage = await openStage(clients.jwk);
  try {
    const port = await freePort();
    const program = await variants['gateway']?.program({ ...stage, port });
    if (!program) throw new Error('no gateway to start');
    const target = await startTarget(reportingHeap(program), port);
    const { origin } = target;
    const [attacker = '', ...others] = await clients.authorizations(normalClients + 1);
    let next = 0;
    const asUsual = async (until: { seconds: number } | { signal: AbortSignal }): Promise<Load> =>
      load({ origin, ...until, authorizations: others, bodyOf: () => bodies[next++ % normalDocuments] ?? '' });

    await asUsual({ seconds: quietSeconds });
    const heaps: Record<string, Heap> = { before: await target.heap() };
    const before = await asUsual({ seconds: quietSeconds });
    const over = new AbortController();
    const seen = asUsual({ signal: over.signal });
    let number = firstAttackNumber;
    const attack = await load({
      origin,
      count: documents,
      authorizations: Array.from({ length: connections }, () => attacker),
      bodyOf: () => JSON.stringify({ query: distinctQuery(number++) }),
    });
    over.abort();
    const during = await seen;
    heaps['after'] = await target.heap();
    const after = await asUsual({ seconds: quietSeconds });
    await target.stop();

    const row = ({ count, seconds, p50Ms, p99Ms }: Load) => ({
      'per second': Math.round(count / seconds),
      'p50 ms': round(p50Ms, 2),
      'p99 ms': round(p99Ms, 2),
      'p99 ÷ before': round(p99Ms / before.p99Ms, 2),
    });
    const table = { 'others before': row(before), 'others during': row(during), 'others after': row(after), attacker: row(attack) }; // prettier-ignore
    console.table(table);
    for (const [when, { heapMiB, externalMiB }] of Object.entries(heaps))
      console.log(`heap ${when} the attack: ${round(heapMiB)} MiB, external ${round(externalMiB)} MiB`);
    await writeResults('gateway-attack', { machine: machineOnly(), documents, connections, table, heaps });
  } finally {
    await stage.close();
  }
}
