import type { OrderType } from '../types/order-type.ts';
import { chargeWallet } from './charge-wallet.ts';
import { reserveStock } from './reserve-stock.ts';
import type { Step } from './step.ts';

const steps: readonly Step[] = [reserveStock, chargeWallet];

/** The steps of placing an order of this type and total, in their sequence. */
export const stepsOf = ({ payFlow }: Pick<OrderType, 'payFlow'>, totalMinor: bigint): readonly Step[] =>
  payFlow === 'PREPAY_WALLET' && totalMinor > 0n ? steps : [reserveStock];

/** The step that a saga calls by this name. Throws for one of another version. */
export function stepOf(branchId: string): Step {
  const step = steps.find((each) => each.branchId === branchId);
  if (!step) throw new Error(`there is no step ${branchId}`);
  return step;
}
