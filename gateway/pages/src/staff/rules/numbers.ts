const ppmDigits = 4;

/** Parts per million of a percentage as typed, e.g. `5.5` → 55000; null where it is none. */
export function ppmOf(percent: string): number | null {
  const [, whole, part = ''] = /^(\d{1,3})(?:[.,](\d{1,4}))?$/.exec(percent.trim()) ?? [];
  return whole === undefined ? null : Number(whole + part.padEnd(ppmDigits, '0'));
}

/** A percentage to be typed, e.g. 55000 → `5.5`. */
export function percentOf(ppm: number): string {
  const digits = String(ppm).padStart(ppmDigits + 1, '0');
  return `${digits.slice(0, -ppmDigits)}.${digits.slice(-ppmDigits)}`.replace(/\.?0+$/, '');
}

/** A whole number as typed; null where nothing is. */
export const numberOf = (text: string): number | null => (/^\d{1,10}$/.test(text.trim()) ? Number(text) : null);
export const textOf = (value: number | null): string => (value === null ? '' : String(value));
