import { readFile } from 'node:fs/promises';
import { loadHttpClient, readHttpClient } from '../../subgraphs/shared/http/http-clients.ts';
import type { Runtime } from '../../subgraphs/shared/process/runtime.ts';
import { type HeadersFor, callerHeadersOf, headersFor } from '../callers/caller.ts';
import type { GatewayConfig } from '../config.ts';
import { checkAddresses, missingOf, subgraphsOf } from './added-subgraphs.ts';
import { type GraphLinks, openGraphLinks } from './graph-links.ts';
import { type Graph, type GraphOptions, openGraph } from './reloadable.ts';

/** The graph that a process serves, with how its subgraphs are reached and what they are told of a caller. */
export type ServedGraph = {
  readonly graph: Graph;
  readonly link: GraphLinks['link'];
  readonly headersFor: HeadersFor;
  /** By the name of each added subgraph: rejects while it doesn't answer. */
  readonly checks: GraphLinks['checks'];
  /** Serves what the supergraph's file holds now, or `sdl`. Rejects, and serves what it did, for one that can't be loaded. */
  replace(sdl?: string): Promise<void>;
  close(): Promise<void>;
};

export type ServedGraphOptions = Pick<GraphOptions, 'documents' | 'check'> & {
  readonly config: GatewayConfig;
  readonly own: Parameters<typeof openGraphLinks>[0]['own'];
  /** Instead of a file. */
  readonly sdl: string | undefined;
};

const ownSupergraph = new URL('../../schema/supergraph.graphql', import.meta.url);

/** Throws ConfigError where the supergraph and the addresses of added subgraphs don't agree. */
export async function openServedGraph(runtime: Runtime, options: ServedGraphOptions): Promise<ServedGraph> {
  const { log, now, config: platform } = runtime;
  const { config, documents, check } = options;
  const { addedSubgraphs: added, supergraphPath } = config;
  const read = () => readFile(supergraphPath ?? ownSupergraph, 'utf8');
  const sdl = options.sdl ?? (await read());
  checkAddresses(added, { path: supergraphPath ?? 'the supergraph', names: subgraphsOf(sdl) });

  const maxAnswerBytes = platform.answerLimits.maxBytes;
  const client = await loadHttpClient(readHttpClient(runtime.env));
  const links = openGraphLinks({ own: options.own, added, report: () => runtime, maxAnswerBytes, client });
  const token = platform.serviceTokens.get('gateway') ?? '';
  const ours = { token, identitySecret: platform.identitySecret, now };
  const said = { own: callerHeadersOf(ours), user: callerHeadersOf({ ...ours, tellsAgent: true }) };
  const asking = { link: links.link, headersFor: headersFor({ ...said, added, now }) };
  const graph = await openGraph({
    sdl,
    ...asking,
    operationTimeoutMs: config.operationTimeoutMs,
    answerLimits: platform.answerLimits,
    introspection: config.introspection,
    log,
    metrics: runtime.metrics,
    documents,
    check,
  });
  return {
    graph,
    ...asking,
    checks: links.checks,
    async replace(given) {
      const next = given ?? (await read());
      await graph.replace(next);
      log.info('another supergraph is served');
      const unused = missingOf(added, subgraphsOf(next));
      // Not refused: a subgraph that makes trouble can be taken out without a restart.
      if (unused.length > 0) log.warn({ subgraphs: unused }, 'the supergraph is without subgraphs of GRAPH_SUBGRAPHS');
    },
    async close() {
      await graph.close();
      await links.close();
    },
  };
}
