import { moneyToJson } from '../../subgraphs/shared/values/money.ts';
import type { OrderDeps } from '../../subgraphs/order/deps.ts';
import { balanceDueMinor, effectiveState } from '../../subgraphs/order/domain/order.ts';
import { findOrder } from '../../subgraphs/order/order-store.ts';
import { type ChargeInput, type Step, chargeWallet, refundWalletCharge } from '../../subgraphs/payment/commands/charge-wallet.ts'; // prettier-ignore
import { settleBeforeClosing } from '../../subgraphs/payment/commands/settle-before-closing.ts';
import type { PaymentDeps } from '../../subgraphs/payment/deps.ts';
import { type ReleaseStockInput, releaseStock } from '../../subgraphs/product/commands/release-stock.ts';
import { reserveStock } from '../../subgraphs/product/commands/reserve-stock.ts';
import type { ReserveStockInput } from '../../subgraphs/product/domain/reservation.ts';
import type { ProductDeps } from '../../subgraphs/product/deps.ts';
import { productsByIds } from '../../subgraphs/product/product-store.ts';
import type { Operations } from './network.ts';

type Services = { readonly order: OrderDeps; readonly product: ProductDeps; readonly payment: PaymentDeps };
type References = { readonly representations: readonly { readonly id: string }[] };

/** What the services ask of each other, as their resolvers answer it. */
export const operations: Operations<Services> = {
  async ReserveStock({ product }, variables) {
    const input = variables as unknown as ReserveStockInput & { expiresAt: string };
    return { reserveStock: await reserveStock(product, { ...input, expiresAt: new Date(input.expiresAt) }) };
  },
  async ReleaseStock({ product }, variables) {
    return { releaseStock: await releaseStock(product, variables as unknown as ReleaseStockInput) };
  },
  async ProductsForOrder({ product }, variables) {
    const { representations } = variables as unknown as References;
    const products = await productsByIds(product.db.em(), representations.map(({ id }) => id)); // prettier-ignore
    return {
      _entities: products.map((found) => ({
        ...found,
        price: moneyToJson(found.price),
        marketPrice: null,
        seller: found.sellerId === null ? null : { id: found.sellerId },
        categoryIds: [],
        addOns: [],
      })),
    };
  },
  async ChargeWallet({ payment }, variables, traceId) {
    return { chargeWallet: await chargeWallet(payment, variables as unknown as ChargeInput, traceId) };
  },
  async RefundWalletCharge({ payment }, variables) {
    return { refundWalletCharge: await refundWalletCharge(payment, variables as unknown as Step) };
  },
  async SettleBeforeClosing({ payment }, variables) {
    return { settleBeforeClosing: await settleBeforeClosing(payment, variables as unknown as { orderIds: string[] }) };
  },
  async PaymentOrder({ order }, variables) {
    const { representations } = variables as unknown as References;
    const found = await findOrder(order.db.em(), representations[0]?.id ?? '');
    if (!found) return { _entities: [null] };
    const at = order.now();
    return {
      _entities: [
        {
          state: effectiveState(found, at),
          type: { code: found.type },
          customer: { id: found.customerId },
          balanceDue: moneyToJson({ amount: balanceDueMinor(found, at), currency: found.currency }),
          expiresAt: found.expiresAt.toISOString(),
        },
      ],
    };
  },
};
