import { runSubgraphServer } from '../shared/subgraph-process.ts';
import { createPaymentSubgraph } from './subgraph.ts';

await runSubgraphServer('payment', createPaymentSubgraph);
