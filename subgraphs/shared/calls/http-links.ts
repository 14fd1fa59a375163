import { loadHttpClient, readHttpClient } from '../http/http-clients.ts';
import type { Env } from '../process/env.ts';
import { readAnswerLimits } from '../process/platform-config.ts';
import type { CallReport } from './circuit.ts';
import { httpLink } from './http-link.ts';
import type { SubgraphLink } from './link.ts';
import { readSubgraphUrls } from './subgraph-urls.ts';
import type { SubgraphName } from '../values/subgraph-names.ts';

/**
 * Links over HTTP to the subgraphs at `<NAME>_URL`, by default at their ports on this host. Made when first used; `report`
 * is asked when a link has something to tell. `HTTP_CLIENT` says what carries the requests. Throws ConfigError.
 */
export async function httpLinks(
  env: Env,
  report: () => CallReport | undefined,
): Promise<{ link: (name: SubgraphName) => SubgraphLink; close(): Promise<void> }> {
  const urlOf = readSubgraphUrls(env);
  const maxAnswerBytes = readAnswerLimits(env).maxBytes;
  const client = await loadHttpClient(readHttpClient(env));
  const links = new Map<SubgraphName, SubgraphLink>();
  return {
    link(name) {
      const known = links.get(name) ?? httpLink(name, urlOf(name), report, { maxAnswerBytes, client });
      links.set(name, known);
      return known;
    },
    async close() {
      await Promise.all([...links.values()].map((link) => link.close()));
    },
  };
}
