import { useClient, useQuery } from 'urql';
import { QuoteOrderDocument, type QuoteOrderQueryVariables } from '../../../../schema/generated/operations.ts';
import { ApiError, toApiError } from '../api.ts';
import type { Quote } from '../types.ts';
import { t } from '../language/catalogue.ts';

/** The whole price of what is asked for: the last one that was told. Null until then, and when it can't be read. */
export function useQuote(input: QuoteOrderQueryVariables['input']): {
  readonly quote: Quote | null;
  /** Why it can't be told. */
  readonly problem: string | null;
  /** That of exactly this input, as soon as it is known. Throws ApiError when it can't be read: nothing is ordered at a price that nobody has seen. */
  readonly current: () => Promise<Quote>;
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
    problem: error === undefined ? null : toApiError(error).message,
    current: async () => {
      const { data: told } = await client.query(QuoteOrderDocument, variables).toPromise();
      if (told) return told.quoteOrder;
      throw new ApiError('UNAVAILABLE', t().cart.noQuote);
    },
    refresh: () => reload({ requestPolicy: 'network-only' }),
  };
}
