import { useMemo } from 'react';
import { useQuery } from 'urql';
import { AvailabilityDocument } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { addMonths } from './dates.ts';

/** Rooms left by night, for a month and the one after it: a stay may end there. */
export function useAvailability(
  productId: string,
  month: string,
): {
  readonly left: ReadonlyMap<string, number> | null;
  /** Today where the shop is; null until the server has said. */
  readonly today: string | null;
  readonly problem: string | null;
  readonly refresh: () => void;
} {
  const [{ data, error }, reload] = useQuery({
    query: AvailabilityDocument,
    variables: { id: productId, from: `${month}-01`, to: `${addMonths(month, 2)}-01` },
    requestPolicy: 'cache-and-network',
  });
  const nights = data?.product?.availability;
  const left = useMemo(
    () => (nights === undefined ? null : new Map(nights.map((night) => [night.date, night.available]))),
    [nights],
  );
  return {
    left,
    today: data?.shopDate ?? null,
    problem: error === undefined ? null : toApiError(error).message,
    refresh: () => reload({ requestPolicy: 'network-only' }),
  };
}
