/** What is left of a payment, and of what its provider takes multiples only; minor units. */
export type Source = { readonly refundableMinor: bigint; readonly stepMinor: bigint };

/**
 * Spreads an amount over payments in proportion to what is left of each, to the minor unit: what rounding leaves goes to the
 * first that can give it. Where a provider takes multiples of a step only, its share is rounded down; a rest that no payment can
 * give exactly is rounded up to a step, so that the customer gets no less. Never more than is left.
 */
export function spread(amountMinor: bigint, sources: readonly Source[]): bigint[] {
  const wholeMinor = sources.reduce((sum, { refundableMinor }) => sum + refundableMinor, 0n);
  if (wholeMinor <= amountMinor) return sources.map(({ refundableMinor }) => refundableMinor);
  const shares = sources.map(({ refundableMinor, stepMinor }) => down((amountMinor * refundableMinor) / wholeMinor, stepMinor)); // prettier-ignore
  let restMinor = shares.reduce((rest, share) => rest - share, amountMinor);
  const leftOf = (index: number): bigint => (sources[index]?.refundableMinor ?? 0n) - (shares[index] ?? 0n);
  const give = (index: number, shareMinor: bigint): void => {
    restMinor -= shareMinor;
    shares[index] = (shares[index] ?? 0n) + shareMinor;
  };
  for (const [index, { stepMinor }] of sources.entries())
    give(index, down(smaller(restMinor, leftOf(index)), stepMinor));
  for (const [index, { stepMinor }] of sources.entries())
    if (restMinor > 0n) give(index, smaller(down(restMinor, stepMinor) + stepMinor, leftOf(index)));
  return shares;
}

const smaller = (one: bigint, other: bigint): bigint => (one < other ? one : other);
const down = (amountMinor: bigint, stepMinor: bigint): bigint => amountMinor - (amountMinor % stepMinor);
