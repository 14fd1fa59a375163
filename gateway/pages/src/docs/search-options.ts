import type { Options } from 'minisearch';

/** Shared by who makes the index and who searches it. */
export const searchOptions: Options<{ id: string; title: string; page: string; text: string }> = {
  fields: ['title', 'page', 'text'],
  storeFields: ['title', 'page'],
  searchOptions: { boost: { title: 4, page: 2 }, prefix: true, fuzzy: (term) => (term.length > 4 ? 0.2 : false), combineWith: 'AND' }, // prettier-ignore
};
