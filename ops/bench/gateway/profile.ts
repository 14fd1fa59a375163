import { readFile, readdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../embedded/servers.ts';
import { round, writeResults } from '../measure.ts';
import { openClients } from './clients.ts';
import { type QueryName, queries } from './graph.ts';
import { load } from './load.ts';
import { startTarget } from './processes.ts';
import { openStage } from './stage.ts';
import { variants } from './variants.ts';

/** As V8 writes it: samples name the node that ran, with the time since the sample before. */
type CpuProfile = {
  readonly nodes: readonly { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

const root = resolve(import.meta.dirname, '..', '..', '..');
const concurrency = 8;
const warmUpSeconds = 5;
const shown = 40;
/** Shares below this are not worth a line. */
const leastPercent = 0.5;

/**
 * Where a gateway's time goes, by V8's samples: shares of the busy time by package or file, and by function, of one
 * process that answers one query, once it has started and warmed up.
 *
 * @param args `[variant = gateway] [query = small] [seconds = 20]`
 */
export async function profileGateway(args: readonly string[]): Promise<void> {
  const [name = 'gateway', query = 'small', seconds = '20'] = args;
  const variant = variants[name];
  if (!variant || !Object.hasOwn(queries, query)) throw new Error(`no variant ${name} or no query ${query}`);
  const clients = await openClients();
  const stage = await openStage(clients.jwk);
  try {
    const port = await freePort();
    const program = await variant.program({ ...stage, port });
    const dir = join(stage.dir, 'profile');
    const flags = ['--cpu-prof', '--cpu-prof-dir', dir];
    const startedAtMs = performance.now();
    const target = await startTarget({ ...program, args: [...flags, ...program.args] }, port);
    const body = JSON.stringify({ query: queries[query as QueryName] });
    const authorizations = await clients.authorizations(concurrency);
    const options = { origin: target.origin, authorizations, bodyOf: () => body };
    await load({ ...options, seconds: warmUpSeconds });
    const skipMs = performance.now() - startedAtMs;
    const { count } = await load({ ...options, seconds: Number(seconds) });
    await target.stop();
    const [file] = await readdir(dir).catch(() => []);
    if (!file) throw new Error(`${name} wrote no profile: it is not Node, or did not end by itself`);
    const profile = JSON.parse(await readFile(join(dir, file), 'utf8')) as CpuProfile;
    const shares = { requests: count, ...sharesOf(profile, skipMs) };
    console.log(`${name}, ${query}: ${count} requests`);
    console.table(shares.places);
    console.table(shares.functions);
    await writeResults(`gateway-profile-${name}-${query}`, shares);
  } finally {
    await stage.close();
  }
}

/** Percent of the busy time after the first `skipMs`, by place and by function, the largest first. */
export function sharesOf(
  { nodes, samples, timeDeltas }: CpuProfile,
  skipMs: number,
): { places: Record<string, number>; functions: Record<string, number> } {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const places = new Map<string, number>();
  const functions = new Map<string, number>();
  let busy = 0;
  let atMs = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    const time = timeDeltas[index] ?? 0;
    atMs += time / 1_000;
    if (!frame || frame.functionName === '(idle)' || time <= 0 || atMs <= skipMs) continue;
    busy += time;
    const place = placeOf(frame);
    const label = `${frame.functionName || '(anonymous)'} ${place}:${frame.lineNumber + 1}`;
    places.set(place, (places.get(place) ?? 0) + time);
    functions.set(label, (functions.get(label) ?? 0) + time);
  }
  const largest = (times: ReadonlyMap<string, number>): Record<string, number> =>
    Object.fromEntries(
      [...times]
        .map(([key, time]) => [key, round((time / busy) * 100)] as const)
        .filter(([, percent]) => percent >= leastPercent)
        .toSorted((a, b) => b[1] - a[1])
        .slice(0, shown),
    );
  return { places: largest(places), functions: largest(functions) };
}

/** A package, a file of this repository, a part of Node, or what V8 does by itself. */
function placeOf({ url, functionName }: { url: string; functionName: string }): string {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url === '') return functionName === '(program)' ? 'V8 and system calls' : 'built into V8';
  const [, packageName] = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(url) ?? [];
  if (packageName) return packageName;
  return url.startsWith('file://') ? relative(root, fileURLToPath(url)) : url;
}
