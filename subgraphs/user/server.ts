import { runSubgraphServer } from '../shared/engine/subgraph-process.ts';
import { createUserSubgraph } from './subgraph.ts';

await runSubgraphServer('user', createUserSubgraph);
