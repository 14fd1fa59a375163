import { loadHttpClient, readHttpClient } from '../http/http-clients.ts';
import { type Env, readEnv, url } from '../process/env.ts';
import { readAnswerLimits } from '../process/platform-config.ts';
import type { CallReport } from './circuit.ts';
import { httpLink } from './http-link.ts';
import type { SubgraphLink } from './link.ts';
import { type SubgraphName, subgraphNames } from '../values/subgraph-names.ts';

/** Where each subgraph listens unless `<NAME>_PORT` says otherwise. */
export const subgraphPorts: Readonly<Record<SubgraphName, number>> = {
  user: 4101,
  product: 4102,
  order: 4103,
  payment: 4104,
};

/**
 * Links over HTTP to the subgraphs at `<NAME>_URL`, by default at their ports on this host. Made when first used; `report`
 * is asked when a link has something to tell. `HTTP_CLIENT` says what carries the requests. Throws ConfigError.
 */
export async function httpLinks(
  env: Env,
  report: () => CallReport | undefined,
): Promise<{ link: (name: SubgraphName) => SubgraphLink; close(): Promise<void> }> {
  const shape = Object.fromEntries(
    subgraphNames.map((name) => [
      `${name.toUpperCase()}_URL`,
      url('http', 'https').default(`http://127.0.0.1:${subgraphPorts[name]}`),
    ]),
  );
  const urls = readEnv(env, shape);
  const maxAnswerBytes = readAnswerLimits(env).maxBytes;
  const client = await loadHttpClient(readHttpClient(env));
  const links = new Map<SubgraphName, SubgraphLink>();
  return {
    link(name) {
      const url = String(urls[`${name.toUpperCase()}_URL`]).replace(/\/$/, '');
      const known = links.get(name) ?? httpLink(name, url, report, { maxAnswerBytes, client });
      links.set(name, known);
      return known;
    },
    async close() {
      await Promise.all([...links.values()].map((link) => link.close()));
    },
  };
}
