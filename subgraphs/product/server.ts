import { runSubgraphServer } from '../shared/engine/subgraph-process.ts';
import { createProductSubgraph } from './subgraph.ts';

await runSubgraphServer('product', createProductSubgraph);
