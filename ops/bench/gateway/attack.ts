import { freePort } from '../../embedded/servers.ts';
import { machineOnly, median, round, writeResults } from '../measure.ts';
import { openClients } from './clients.ts';
import { distinctQuery } from './graph.ts';
import { type Load, load } from './load.ts';
import { reportingHeap, startTarget } from './processes.ts';
import { openStage } from './stage.ts';
import { variants } from './variants.ts';

const normalClients = 8;
const normalDocuments = 20;
const quietSeconds = 5;
/** The attack comes in parts with quiet between them. */
const bursts = 5;
/** Whoever brings too many documents is made to wait. */
const maxBurstSeconds = 60;
const overloadedStatus = 503;
/** The attacker's documents begin here, beyond those of the others. */
const firstAttackNumber = 1_000_000;

/**
 * One caller sends many distinct documents, each of which must be parsed, validated and planned, beside others who send
 * a few known ones: what the others see meanwhile and between, and what the gateway keeps.
 *
 * @param args `[documents = 10000] [connections of the attacker = 8] [users whose tokens the attacker has = 1]`
 */
export async function benchGatewayAttack(args: readonly string[]): Promise<void> {
  const [documents = 10_000, connections = 8, users = 1] = args.map(Number);
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
    const tokens = await clients.authorizations(normalClients + users);
    const others = tokens.slice(0, normalClients);
    const attackers = tokens.slice(normalClients);
    let next = 0;
    const asUsual = async (until: { seconds: number } | { signal: AbortSignal }): Promise<Load> =>
      load({ origin, ...until, authorizations: others, bodyOf: () => bodies[next++ % normalDocuments] ?? '' });
    let number = firstAttackNumber;
    const attackOnce = async (): Promise<{ seen: Load; attack: Load }> => {
      const over = new AbortController();
      const seeing = asUsual({ signal: over.signal });
      const attack = await load({
        origin,
        count: Math.round(documents / bursts),
        seconds: maxBurstSeconds,
        alsoExpected: [overloadedStatus],
        authorizations: Array.from({ length: connections }, (_, index) => attackers[index % users] ?? ''),
        bodyOf: () => JSON.stringify({ query: distinctQuery(number++) }),
      });
      over.abort();
      return { seen: await seeing, attack };
    };

    await asUsual({ seconds: 2 * quietSeconds });
    const heaps = [await target.heap()];
    const quiet = [await asUsual({ seconds: quietSeconds })];
    const attacked: Load[] = [];
    const attacks: Load[] = [];
    for (let burst = 0; burst < bursts; burst++) {
      const { seen, attack } = await attackOnce();
      attacked.push(seen);
      attacks.push(attack);
      quiet.push(await asUsual({ seconds: quietSeconds }));
      heaps.push(await target.heap());
    }
    await target.stop();

    /** Of a burst to the mean of what was before and after it: the machine has other things to do, too. */
    const paired = (of: (one: Load) => number): number =>
      median(attacked.map((one, burst) => (2 * of(one)) / (of(quiet[burst] ?? one) + of(quiet[burst + 1] ?? one))));
    const rate = ({ count, seconds }: Load): number => count / seconds;
    const sent = attacks.reduce((sum, { count }) => sum + count, 0);
    const row = (loads: readonly Load[]) => ({
      'per second': Math.round(median(loads.map(rate))),
      'p50 ms': round(median(loads.map((one) => one.p50Ms)), 2),
      'p99 ms': round(median(loads.map((one) => one.p99Ms)), 2),
    });
    const ratios = { 'per second': round(paired(rate), 2), 'p50 ms': round(paired((one) => one.p50Ms), 2), 'p99 ms': round(paired((one) => one.p99Ms), 2) }; // prettier-ignore
    const table = { 'others, quiet': row(quiet), 'others, attacked': row(attacked), 'attacked ÷ quiet, paired': ratios, attacker: row(attacks) }; // prettier-ignore
    console.table(table);
    console.log(`the attacker got ${sent} of ${documents} documents answered or refused`);
    for (const [burst, { heapMiB, externalMiB }] of heaps.entries())
      console.log(`after ${burst} of ${bursts} bursts: heap ${round(heapMiB)} MiB, external ${round(externalMiB)} MiB`);
    await writeResults('gateway-attack', { machine: machineOnly(), documents, sent, connections, users, table, heaps });
  } finally {
    await stage.close();
  }
}
