import type { PostalAddress } from '../shared/values/postal-address.ts';
import type { OrderCharges } from './domain/charges.ts';
import type { PricedLine } from './domain/line.ts';
import type { FulfilmentFacts, JsonObject, Order, Tracking } from './domain/order-model.ts';

/** An order as stored: what the rules need (`Order`) and what else its row holds. */
export type StoredOrder = Order &
  OrderCharges & {
    readonly number: string;
    readonly type: string;
    readonly customerId: string;
    /** The member of staff who placed it for the customer; null where the customer did. */
    readonly placedBy: string | null;
    readonly version: number;
    readonly seq: number;
    readonly lastHash: Buffer;
    readonly currency: string;
    /** Where it is shipped to; null where nothing is. */
    readonly shippingAddress: PostalAddress | null;
    readonly billingAddress: PostalAddress | null;
    readonly couponCodes: readonly string[] | null;
    /** Promotions that took something off, each of which counts it as a use; null for none. */
    readonly promotionIds: readonly string[] | null;
    readonly extension: JsonObject | null;
    readonly clientReference: string | null;
    /** The reference while no other order of the customer may have it; null once the order has FAILED. */
    readonly heldReference: string | null;
    readonly inputHash: Buffer;
    readonly failure: JsonObject | null;
    /** What the merchant redeems; null for types that are not redeemable. A secret until the order is paid. */
    readonly confirmationCode: string | null;
    readonly traceId: string;
    readonly placedAt: Date;
    readonly updatedAt: Date;
    /** As how many units it is counted while it is open; null for orders that are not counted. */
    readonly openUnits: number | null;
    /** The counter of the address that it came from, see open-orders.ts. */
    readonly placedFrom: string | null;
  };

export type StoredLine = PricedLine & { readonly orderId: string };

export type NewLine = Omit<StoredLine, 'orderId'>;

/** An order that is about to be placed: its row before the first event. */
export type NewOrder = Omit<StoredOrder, 'seq' | 'lastHash' | 'version' | 'paymentStatus' | 'lines'> & {
  readonly lines: readonly NewLine[];
};

export type StoredFulfilment = FulfilmentFacts &
  Tracking & {
    readonly orderId: string;
    readonly createdAt: Date;
  };
