import { useQuery } from 'urql';
import { QuoteOrderDocument, type QuoteOrderQueryVariables } from '../../../../schema/generated/operations.ts';
import type { Quote } from '../types.ts';

/** The whole price of what is asked for: the last one that was told, and whether a newer one is on its way. Null when it can't be read. */
export function useQuote(input: QuoteOrderQueryVariables['input']): {
  readonly quote: Quote | null;
  readonly isComing: boolean;
  readonly refresh: () => void;
} {
  const [{ data, error, fetching, stale }, reload] = useQuery({
    query: QuoteOrderDocument,
    variables: { input },
    requestPolicy: 'cache-and-network',
  });
  return {
    quote: error === undefined ? (data?.quoteOrder ?? null) : null,
    isComing: fetching || stale,
    refresh: () => reload({ requestPolicy: 'network-only' }),
  };
}
