import type { ServiceCaller } from '../../shared/calls/link.ts';
import type { MoneyJson } from '../../shared/values/money.ts';

/** What a mail shows of an order, as it is when the mail goes. */
export type OrderFacts = {
  readonly state: string;
  readonly number: string;
  readonly confirmationCode: string | null;
  readonly pricesIncludeTax: boolean;
  readonly subtotal: MoneyJson;
  readonly discountTotal: MoneyJson;
  readonly shippingTotal: MoneyJson;
  readonly taxTotal: MoneyJson;
  readonly total: MoneyJson;
  readonly shippingAddress: { readonly formatted: readonly string[] } | null;
  readonly lines: readonly {
    readonly title: string;
    readonly subtitle: string | null;
    readonly quantity: number;
    readonly stayFrom: string | null;
    readonly stayTo: string | null;
    readonly subtotal: MoneyJson;
  }[];
  readonly fulfilments: readonly {
    readonly id: string;
    readonly lines: readonly { readonly quantity: number; readonly line: { readonly title: string } }[];
  }[];
};

const document = /* GraphQL */ `
  query NotifiedOrder($representations: [_Any!]!) {
    _entities(representations: $representations) {
      ... on Order {
        state
        number
        confirmationCode
        pricesIncludeTax
        subtotal {
          ...money
        }
        discountTotal {
          ...money
        }
        shippingTotal {
          ...money
        }
        taxTotal {
          ...money
        }
        total {
          ...money
        }
        shippingAddress {
          formatted
        }
        lines {
          title
          subtitle
          quantity
          stayFrom
          stayTo
          subtotal {
            ...money
          }
        }
        fulfilments {
          id
          lines {
            quantity
            line {
              title
            }
          }
        }
      }
    }
  }
  fragment money on Money {
    amount
    currency
  }
`;

/** Asks the order service; null for an order that is not there. Rejects with SERVICE_UNAVAILABLE when it can't answer. */
export async function findOrderFacts(
  call: ServiceCaller,
  orderId: string,
  traceId: string,
): Promise<OrderFacts | null> {
  const variables = { representations: [{ __typename: 'Order', id: orderId }] };
  const answer = await call<{ _entities: readonly (OrderFacts | null)[] }>('order', { query: document, variables, traceId }); // prettier-ignore
  return answer._entities[0] ?? null;
}
