import { readFileSync } from 'node:fs';
import type { Ports } from '../graph.ts';

/** What a gateway of the benchmark is started with: `node <file> <variant>` and these variables. */
export type Given = {
  readonly variant: string;
  readonly port: number;
  readonly ports: Ports;
  readonly supergraphSdl: string;
};

export function readGiven(): Given {
  const { PORT, SUBGRAPH_PORTS = '{}', SUPERGRAPH = '' } = process.env;
  return {
    variant: process.argv[2] ?? '',
    port: Number(PORT),
    ports: JSON.parse(SUBGRAPH_PORTS) as Ports,
    supergraphSdl: readFileSync(SUPERGRAPH, 'utf8'),
  };
}
