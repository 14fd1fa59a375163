/** A field as RFC 4180 has it. What a spreadsheet would run as a formula is made text first. */
function fieldOf(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export type CsvRow = readonly (string | number)[];

/** Rows as CSV, the first with the names of the columns. */
export const csvOf = (rows: readonly CsvRow[]): string =>
  rows.map((row) => `${row.map(fieldOf).join(',')}\r\n`).join('');
