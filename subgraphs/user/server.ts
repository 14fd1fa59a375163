import { runSubgraphServer } from '../shared/subgraph-process.ts';
import { createUserSubgraph } from './subgraph.ts';

await runSubgraphServer('user', createUserSubgraph);
