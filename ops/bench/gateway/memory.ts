import { freePort } from '../../embedded/servers.ts';
import { machineOnly, residentMiB, round, writeResults } from '../measure.ts';
import { openClients } from './clients.ts';
import { distinctQuery } from './graph.ts';
import { load } from './load.ts';
import { reportingHeap, startTarget } from './processes.ts';
import { openStage } from './stage.ts';
import { variants } from './variants.ts';

const concurrency = 8;
const steps = 10;
/** The first step fills caches and lets V8 compile; what is there afterwards must be enough for ever. */
export const toleratedGrowthMiB = 3;

type Row = {
  readonly requests: number;
  readonly heapMiB: number;
  readonly externalMiB: number;
  readonly rssMiB: number;
};

/**
 * Memory of our gateway over many requests with not so many documents. Sets exit code 1 when what a collection leaves
 * (heap and external) has grown after any tenth by more than `toleratedGrowthMiB`.
 *
 * @param args `[requests = 1000000] [documents = 500]`
 */
export async function benchGatewayMemory(args: readonly string[]): Promise<void> {
  const [requests = 1_000_000, documents = 500] = args.map(Number);
  const bodies = Array.from({ length: documents }, (_, number) => JSON.stringify({ query: distinctQuery(number) }));
  const clients = await openClients();
  const stage = await openStage(clients.jwk);
  const rows: Row[] = [];
  try {
    const port = await freePort();
    const program = await variants['gateway']?.program({ ...stage, port });
    if (!program) throw new Error('no gateway to start');
    const target = await startTarget(reportingHeap(program), port);
    let next = 0;
    for (let step = 1; step <= steps; step++) {
      await load({
        origin: target.origin,
        count: requests / steps,
        authorizations: await clients.authorizations(concurrency),
        bodyOf: () => bodies[next++ % documents] ?? '',
      });
      const { heapMiB, externalMiB } = await target.heap();
      const row = { requests: next, heapMiB: round(heapMiB, 2), externalMiB: round(externalMiB, 2), rssMiB: round(residentMiB(target.pid)) }; // prettier-ignore
      rows.push(row);
      console.log(`${row.requests} requests: heap ${row.heapMiB} MiB, external ${row.externalMiB} MiB, resident ${row.rssMiB} MiB`); // prettier-ignore
    }
    await target.stop();
  } finally {
    await stage.close();
  }
  const grownMiB = growthMiB(rows);
  await writeResults('gateway-memory', { machine: machineOnly(), requests, documents, grownMiB, toleratedGrowthMiB, rows }); // prettier-ignore
  console.log(`grown since it was lowest by ${round(grownMiB, 2)} MiB; ${toleratedGrowthMiB} MiB are tolerated`); // prettier-ignore
  if (grownMiB > toleratedGrowthMiB) process.exitCode = 1;
}

/** By how much the last row holds more than the one before it that held least; negative when none held as little. */
export function growthMiB(rows: readonly Pick<Row, 'heapMiB' | 'externalMiB'>[]): number {
  const held = (row: (typeof rows)[number] | undefined): number => (row ? row.heapMiB + row.externalMiB : Number.NaN);
  return held(rows.at(-1)) - Math.min(...rows.slice(0, -1).map(held));
}
