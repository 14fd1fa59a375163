import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { type Executor, createExecutor } from '../../../../gateway/execute/executor.ts';
import type { SubgraphFetch, SubgraphResponse } from '../../../../gateway/execute/types.ts';

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@requires", "@external", "@shareable", "@inaccessible", "@interfaceObject"])\n`;

/** What a subgraph is asked: its operation without names of operations, and the variables. */
export type Asked = {
  readonly serviceName: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
};

/** Executors, one of each back end, over subgraphs whose every answer a test decides. */
export function canned(
  subgraphs: Readonly<Record<string, string>>,
  answer: (asked: Asked) => SubgraphResponse | Promise<SubgraphResponse>,
): {
  executors: readonly (readonly ['generated' | 'closures', Executor<null>])[];
  asked: Asked[];
  supergraphSdl: string;
} {
  const composed = composeServices(
    Object.entries(subgraphs).map(([name, sdl]) => ({ name, typeDefs: parse(link + sdl), url: '' })),
  );
  if (composed.errors) throw new Error(composed.errors.map(({ message }) => message).join('\n'));
  const { supergraphSdl } = composed;
  const asked: Asked[] = [];
  const fetch: SubgraphFetch<null> = async (serviceName, { query, variables }) => {
    const one = { serviceName, query, variables };
    asked.push(one);
    // As over HTTP: every answer is new.
    return JSON.parse(JSON.stringify(await answer(one))) as SubgraphResponse;
  };
  return {
    asked,
    supergraphSdl,
    executors: [
      ['generated', createExecutor({ supergraphSdl, fetch, generateCode: true })],
      ['closures', createExecutor({ supergraphSdl, fetch, generateCode: false })],
    ],
  };
}
