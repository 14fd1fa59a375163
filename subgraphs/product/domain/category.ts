/** A place in the catalogue. */
export type Category = {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  /** Null at the top. */
  readonly parentId: string | null;
};
