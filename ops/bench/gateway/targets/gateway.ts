/** Our gateway as users run it, `gateway/server.ts` with all it has in front, before the subgraphs of the benchmark. */
import { startGateway } from '../../../../gateway/server.ts';
import { httpLink } from '../../../../subgraphs/shared/calls/http-link.ts';
import type { SubgraphLink } from '../../../../subgraphs/shared/calls/link.ts';
import type { SubgraphName } from '../../../../subgraphs/shared/values/subgraph-names.ts';
import { openRuntime } from '../../../../subgraphs/shared/process/runtime.ts';
import { type BenchSubgraph, composeBench } from '../graph.ts';
import { readGiven } from './given.ts';

/** The gateway knows the platform's subgraphs only, so the benchmark's go by their names. */
const standsFor: Readonly<Record<SubgraphName, BenchSubgraph>> = {
  user: 'users',
  product: 'products',
  order: 'reviews',
  payment: 'inventory',
};
const names = Object.keys(standsFor) as SubgraphName[];

const { port, ports } = readGiven();
const links = new Map<SubgraphName, SubgraphLink>(
  names.map((name) => [name, httpLink(name, `http://127.0.0.1:${ports[standsFor[name]]}`)]),
);
const link = (name: SubgraphName) => links.get(name) as SubgraphLink;
const runtime = await openRuntime(process.env, { name: 'gateway', link });
const gateway = await startGateway(runtime, {
  link,
  supergraphSdl: composeBench(ports, (name) => names.find((one) => standsFor[one] === name) as string),
  config: { port, host: '127.0.0.1' },
});
process.once('SIGTERM', () => {
  void gateway
    .close()
    .then(() => Promise.all([...links.values()].map((each) => each.close())))
    .then(() => runtime.close());
});
