/** What a line says without saying of what: ids, numbers of orders and payments, and sums are left out. */
export const kindOf = (violation: string): string =>
  violation
    .replaceAll(/\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b|\b[A-Z]{2}\d{6}[0-9A-Z]{9}\b|\b\w+_\w{16,}/gi, '…')
    .replaceAll(/\b\d+\b/g, '#');
