import { runSubgraphServer } from '../shared/engine/subgraph-process.ts';
import { createOrderSubgraph } from './subgraph.ts';

await runSubgraphServer('order', createOrderSubgraph);
