/** A number as decimals, e.g. `-5.00`: no formula, though it begins like one. */
const isNumber = (text: string): boolean => /^-?\d+(\.\d+)?$/.test(text);

/**
 * A field as RFC 4180 has it. What a spreadsheet would run as a formula is made text first, also where it splits at semicolons
 * or tabs, as some languages have it.
 */
function fieldOf(value: string | number): string {
  const text = String(value);
  const safe = isNumber(text) ? text : text.replaceAll(/(^|[;\t\r\n]\s*)(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/g, "$1'");
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export type CsvRow = readonly (string | number)[];

/** Rows as CSV, the first with the names of the columns. */
export const csvOf = (rows: readonly CsvRow[]): string =>
  rows.map((row) => `${row.map(fieldOf).join(',')}\r\n`).join('');
