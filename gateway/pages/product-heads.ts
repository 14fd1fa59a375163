import { LRUCache } from 'lru-cache';
import { CallError, type ServiceCaller } from '../../subgraphs/shared/calls/link.ts';
import { newTraceId } from '../../subgraphs/shared/process/telemetry.ts';
import { deadlineIn } from '../../subgraphs/shared/time/deadline.ts';
import { decimalText } from '../../subgraphs/shared/values/currencies.ts';

/** What the head of a product's page says, for those who read pages without running them. */
export type ProductHead = {
  readonly title: string;
  readonly description: string;
  /** A path of this site, or an https URL. */
  readonly picture: string | null;
  readonly price: { readonly amount: string; readonly currency: string };
  /** For the page's first screen. */
  readonly shown: {
    readonly name: string;
    readonly subtitle: string | null;
    readonly description: string;
    readonly cover: string | null;
    readonly kind: string;
    readonly price: { readonly amount: number; readonly currency: string };
  };
};

/** Of a product that everybody may see; null for all others, undefined while the product service can't be asked. */
export type ProductHeads = (productId: string) => Promise<ProductHead | null | undefined>;

const keptMs = 60_000;
const keptHeads = 1_000;
/** The page works without: its reader isn't kept waiting for it. */
const timeoutMs = 500;
const longestDescription = 200;

const query = `query ProductHead($id: ID!) {
  product(id: $id) { name subtitle description cover kind price { amount currency } }
}`;
type Answer = { product: ProductHead['shown'] | null };

/** Reads heads from the product service as somebody who isn't signed in, each once a minute. */
export function openProductHeads(call: ServiceCaller): ProductHeads {
  const known = new LRUCache<string, { head: ProductHead | null }>({ max: keptHeads, ttl: keptMs });
  return async (productId) => {
    const kept = known.get(productId);
    if (kept !== undefined) return kept.head;
    try {
      const asked = { query, variables: { id: productId }, traceId: newTraceId(), deadline: deadlineIn(timeoutMs) };
      const { product } = await call<Answer>('product', asked);
      const head = product === null ? null : headOf(product);
      known.set(productId, { head });
      return head;
    } catch (error) {
      // That the service is away, its readiness tells: the page says it to its reader.
      return error instanceof CallError && error.code === 'NOT_FOUND' ? null : undefined;
    }
  };
}

function headOf(shown: ProductHead['shown']): ProductHead {
  const { name, subtitle, description, cover, price } = shown;
  const text = [subtitle, description].filter(Boolean).join('. ').replaceAll(/\s+/g, ' ');
  return {
    title: name,
    description: text.length > longestDescription ? `${text.slice(0, longestDescription - 1).trimEnd()}…` : text,
    picture: cover,
    price: { amount: decimalText(price.amount, price.currency), currency: price.currency },
    shown,
  };
}
