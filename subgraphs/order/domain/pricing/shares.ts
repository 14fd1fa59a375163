/**
 * Splits an amount in proportion to weights, exactly: each share is rounded down, and what is left goes, a minor unit each, to
 * the shares that lost the largest remainders, the earlier one first among equals. No share is above its weight where the
 * amount is at most their sum.
 *
 * @param amountMinor not negative
 * @param weights not negative; where all are 0, so are the shares
 */
export function splitByWeight(amountMinor: bigint, weights: readonly bigint[]): bigint[] {
  const sum = weights.reduce((total, weight) => total + weight, 0n);
  if (sum === 0n) return weights.map(() => 0n);
  const exact = weights.map((weight, at) => {
    const product = weight * amountMinor;
    return { at, share: product / sum, remainder: product % sum };
  });
  const left = amountMinor - exact.reduce((total, { share }) => total + share, 0n);
  const favoured = exact
    .toSorted((one, other) =>
      one.remainder === other.remainder ? one.at - other.at : one.remainder > other.remainder ? -1 : 1,
    )
    .slice(0, Number(left));
  const more = new Set(favoured.map(({ at }) => at));
  return exact.map(({ at, share }) => (more.has(at) ? share + 1n : share));
}

/** `numerator / denominator` to the nearest whole number, halves up. Neither is negative. */
export const roundedQuotient = (numerator: bigint, denominator: bigint): bigint =>
  (numerator * 2n + denominator) / (denominator * 2n);
