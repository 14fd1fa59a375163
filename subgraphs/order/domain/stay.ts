import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import { addDays, daysBetween, isLocalDate, startOfDay } from '../../shared/values/local-date.ts';
import type { TypeRules } from './type-rules.ts';
import type { LineInput, Stay } from './line.ts';

/** Nights of one stay. */
export const maxNights = 90;
/** Nights of all stays of one order: what product takes at once. */
export const maxNightsPerOrder = 366;
/** How far ahead a stay may begin: two years. */
export const maxDaysAhead = 731;
export const maxGuests = 10_000;

export const nightsOf = (stay: Pick<Stay, 'from' | 'to'>): number => daysBetween(stay.from, stay.to);

/** True for types whose lines are stays. */
export const takesStays = (type: Pick<TypeRules, 'productKind'>): boolean => type.productKind === 'BOOKABLE';

/** What is wrong with a line's dates and guests by themselves; a type that takes no stays takes none of them. */
export function checkStay(line: LineInput, index: number, type: Pick<TypeRules, 'code' | 'productKind'>): Refusal[] {
  const { stayFrom, stayTo, guests } = line;
  const invalid = (field: string, rule: string) =>
    validationError(`${field}: ${rule}`, ['input', 'lines', String(index), field]);
  const given = Object.entries({ stayFrom, stayTo, guests }).filter(([, value]) => (value ?? null) !== null);
  if (!takesStays(type)) return given.map(([field]) => invalid(field, `orders of type ${type.code} take no stays.`));
  const refusals: Refusal[] = [];
  if (!isLocalDate(stayFrom)) refusals.push(invalid('stayFrom', 'the first night is required, as YYYY-MM-DD.'));
  if (!isLocalDate(stayTo)) refusals.push(invalid('stayTo', 'the day of departure is required, as YYYY-MM-DD.'));
  if (isLocalDate(stayFrom) && isLocalDate(stayTo)) {
    const nights = daysBetween(stayFrom, stayTo);
    if (nights < 1) refusals.push(invalid('stayTo', 'a stay has at least one night.'));
    if (nights > maxNights) refusals.push(invalid('stayTo', `a stay has at most ${maxNights} nights.`));
  }
  if (typeof guests !== 'number' || guests < 1 || guests > maxGuests)
    refusals.push(invalid('guests', 'at least one guest is required.'));
  return refusals;
}

/** What stands against a stay from today's view and for this product: `today` is the shop's date. */
export function checkStayAt(
  line: { readonly index: number; readonly quantity: number; readonly stay: Stay },
  product: { readonly name: string; readonly maxGuests: number | null },
  today: string,
): Refusal[] {
  const { index, quantity, stay } = line;
  const invalid = (field: string, rule: string) =>
    validationError(`${field}: ${rule}`, ['input', 'lines', String(index), field]);
  const refusals: Refusal[] = [];
  if (stay.from < today) refusals.push(invalid('stayFrom', `is in the past; today is ${today}.`));
  if (stay.from > addDays(today, maxDaysAhead))
    refusals.push(invalid('stayFrom', `is more than ${maxDaysAhead} days ahead.`));
  const guests = quantity * (product.maxGuests ?? 0);
  if (stay.guests > guests)
    refusals.push(invalid('guests', `${quantity} × ${product.name} take at most ${guests} guests.`));
  return refusals;
}

/**
 * When a paid order counts as never used: so long after the beginning (in UTC) of the last day of departure. Null for an
 * order without stays.
 */
export function lapsesAt(lines: readonly { readonly stay: Stay | null }[], graceHours: number): Date | null {
  const last = lines.reduce((latest, { stay }) => (stay !== null && stay.to > latest ? stay.to : latest), '');
  return last === '' ? null : new Date(startOfDay(last).getTime() + graceHours * 3_600_000);
}
