import { callerHeaders } from '../../subgraphs/shared/auth/caller-headers.ts';
import type { CallReport } from '../../subgraphs/shared/calls/circuit.ts';
import { httpLink } from '../../subgraphs/shared/calls/http-link.ts';
import type { HttpClient } from '../../subgraphs/shared/http/transport.ts';
import type { SubgraphLink } from '../../subgraphs/shared/calls/link.ts';
import { readyTimeoutMs } from '../../subgraphs/shared/process/readiness.ts';
import { type SubgraphName, subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';
import { deadlineIn } from '../../subgraphs/shared/time/deadline.ts';
import type { AddedSubgraph } from './added-subgraphs.ts';

/** How all subgraphs of the graph are reached: the platform's own and those that were added. */
export type GraphLinks = {
  /** Throws for a subgraph that has no address. */
  link(name: string): SubgraphLink;
  /** Whether each added subgraph answers the gateway: rejects with why it doesn't. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  /** Closes the links to the added ones; the others are their maker's. */
  close(): Promise<void>;
};

export function openGraphLinks(options: {
  own: (name: SubgraphName) => SubgraphLink;
  added: readonly AddedSubgraph[];
  report: () => CallReport | undefined;
  maxAnswerBytes: number;
  client: HttpClient;
}): GraphLinks {
  const { own, report, maxAnswerBytes, client } = options;
  const added = new Map<string, SubgraphLink>();
  const checks: Record<string, () => Promise<void>> = {};
  for (const { name, url, token } of options.added) {
    const { origin, pathname: path } = new URL(url);
    const headers = { [callerHeaders.app]: 'gateway', [callerHeaders.token]: token };
    const link = httpLink(name, origin, report, { path, setting: 'GRAPH_SUBGRAPHS', maxAnswerBytes, probeHeaders: headers, client }); // prettier-ignore
    added.set(name, link);
    checks[name] = async () => {
      const deadline = deadlineIn(readyTimeoutMs.server);
      const { data, errors } = await link.execute({ query: '{ __typename }', headers, deadline, isRepeatable: true });
      if (!data) throw new Error(errors?.map(({ message }) => message).join('; '));
    };
  }
  return {
    link(name) {
      if (isOwn(name)) return own(name);
      const link = added.get(name);
      if (!link) throw new Error(`the supergraph has a subgraph that has no address in GRAPH_SUBGRAPHS: ${name}`);
      return link;
    },
    checks,
    async close() {
      await Promise.all([...added.values()].map((link) => link.close()));
    },
  };
}

const isOwn = (name: string): name is SubgraphName => subgraphNames.some((own) => own === name);
