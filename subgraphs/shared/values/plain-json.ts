/** A value as JSON has it: amounts as numbers (of the platform all are safe integers), times as ISO text, and no `undefined`. */
export const plainJson = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value ?? null, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)),
  ) as unknown;
