import { useClient, useQuery } from 'urql';
import { QuoteOrderDocument, type QuoteOrderQueryVariables } from '../../../../schema/generated/operations.ts';
import type { Quote } from '../types.ts';

/** The whole price of what is asked for: the last one that was told. Null until then, and when it can't be read. */
export function useQuote(input: QuoteOrderQueryVariables['input']): {
  readonly quote: Quote | null;
  /** That of exactly this input, as soon as it is known; null when it can't be read. */
  readonly current: () => Promise<Quote | null>;
  readonly refresh: () => void;
} {
  const client = useClient();
  const variables = { input };
  const [{ data, error }, reload] = useQuery({
    query: QuoteOrderDocument,
    variables,
    requestPolicy: 'cache-and-network',
  });
  return {
    quote: error === undefined ? (data?.quoteOrder ?? null) : null,
    current: async () => (await client.query(QuoteOrderDocument, variables).toPromise()).data?.quoteOrder ?? null,
    refresh: () => reload({ requestPolicy: 'network-only' }),
  };
}
