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

/**
 * Rounds fractions of one denominator so that they add up to their rounded sum, halves up: each is rounded down, and what is left
 * goes, a minor unit each, to the largest remainders, the earlier one first among equals. None is a whole unit away from its
 * fraction. Those without room for one more come last.
 *
 * @param numerators not negative
 * @param room how much each may be
 */
export function roundTogether(numerators: readonly bigint[], denominator: bigint, room?: readonly bigint[]): bigint[] {
  const parts = numerators.map((numerator, at) => {
    const [whole, remainder] = [numerator / denominator, numerator % denominator];
    return { at, whole, remainder, fits: remainder > 0n && (room === undefined || whole < (room[at] ?? 0n)) };
  });
  const sum = numerators.reduce((total, numerator) => total + numerator, 0n);
  const left = roundedQuotient(sum, denominator) - parts.reduce((total, { whole }) => total + whole, 0n);
  const favoured = parts
    .toSorted((one, other) =>
      one.fits !== other.fits
        ? Number(other.fits) - Number(one.fits)
        : one.remainder === other.remainder
          ? one.at - other.at
          : one.remainder > other.remainder
            ? -1
            : 1,
    )
    .slice(0, Number(left));
  const more = new Set(favoured.map(({ at }) => at));
  return parts.map(({ at, whole }) => (more.has(at) ? whole + 1n : whole));
}
