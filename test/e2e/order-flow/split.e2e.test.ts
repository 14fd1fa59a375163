import { describeOrderFlow } from './order-flow.ts';

describeOrderFlow('split');
