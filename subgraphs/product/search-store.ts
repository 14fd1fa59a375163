import { type RawBuilder, sql as raw } from 'kysely';
import type { Sql } from '../shared/database/statements.ts';
import { change, find } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import { type SearchWord, type SearchedText, categoryScore, fits, formsOf, indexedWords } from './domain/search.ts';
import { insertInto, tables } from './records.ts';

/*
 * The index of the search: all words with their stems (`search_word`), the same with a letter left out (`search_form`), and
 * which product has which word (`search_posting`). It is written in the transaction of the product, so it is never behind.
 * Words that no product has any more stay, and find nothing.
 */

/** A word of a search, and the categories whose name has it. */
export type FoundBy = { readonly word: SearchWord; readonly categoryIds: readonly string[] };

/** Makes the product found by what it says now. */
export async function indexProduct(tx: Sql, id: string, text: SearchedText, isNew: boolean): Promise<void> {
  const words = indexedWords(text);
  const product_id = idToBytes(id);
  const forms = words.flatMap(({ word }) => formsOf(word).map((form) => ({ form, word })));
  // In one order, so that two products with the same new words don't wait for each other.
  const sorted = forms.toSorted((one, other) => (one.form < other.form || (one.form === other.form && one.word < other.word) ? -1 : 1)); // prettier-ignore
  if (words.length > 0) {
    const known = words.map(({ word, stem }) => ({ word, stem }));
    await change(tx, tables.insertInto('search_word').ignore().values(known), 'any');
  }
  if (sorted.length > 0) await change(tx, tables.insertInto('search_form').ignore().values(sorted), 'any');
  if (!isNew) await change(tx, tables.deleteFrom('search_posting').where('product_id', '=', product_id), 'any');
  await insertInto(tx, 'search_posting', words.map(({ word, weight }) => ({ word, product_id, weight }))); // prettier-ignore
}

/** Rows that are indexed at once. */
const batch = 100;
/** Bounds one call; the next one goes on. */
const maxBatches = 10_000;

/**
 * Indexes products whose index is not of their version: rows from before there was one, and those that another program or
 * a process of an older release wrote. Returns how many.
 */
async function indexMissing(sql: Sql): Promise<number> {
  const missing = tables
    .selectFrom('product')
    .select(['id', 'sku', 'name', 'subtitle', 'description', 'version'])
    .whereRef('indexed_version', '<>', 'version')
    .orderBy('id')
    .limit(batch);
  const rows = await find(sql, missing);
  for (const { id, version, ...text } of rows) {
    await indexProduct(sql, idFromBytes(id), text, false);
    const done = tables.updateTable('product').set({ indexed_version: version }).where('id', '=', id);
    await change(sql, done.where('version', '=', version));
  }
  return rows.length;
}

/** As `indexMissing` until none is missing, each batch by `run`. */
export async function indexAllMissing(run: (work: (sql: Sql) => Promise<number>) => Promise<number>): Promise<number> {
  let indexed = 0;
  for (let count = 0; count < maxBatches; count += 1) {
    const found = await run(indexMissing);
    indexed += found;
    if (found < batch) break;
  }
  return indexed;
}

type Word = Exclude<SearchWord, { literal: string }>;

/** The words of the index that one of a search stands for, and how well they fit. */
function matches({ word, stem, forms, isPart }: Word): RawBuilder<unknown> {
  const known = (factor: number, condition: RawBuilder<unknown>) =>
    raw`select word, ${raw.lit(factor)} as factor from search_word where ${condition}`;
  const found = [
    known(fits.same, raw`word = ${word}`),
    known(fits.form, raw`stem = ${stem}`),
    known(fits.beginning, raw`word like ${`${word}%`}`),
    ...(isPart ? [known(fits.part, raw`word like ${`%${word}%`}`)] : []),
    raw`select word, ${raw.lit(fits.typo)} as factor from search_form where form in (${raw.join([word, ...forms])})`,
    ...(forms.length > 0 ? [known(fits.typo, raw`word in (${raw.join(forms)}) and char_length(word) >= 5`)] : []),
  ];
  return raw`(${raw.join(found, raw` union all `)})`;
}

/** The products that have all of these words, with their scores. */
export function foundBy(words: readonly FoundBy[]): RawBuilder<{ product_id: Buffer; score: number }> {
  const each = words.flatMap(({ word, categoryIds }, index) => {
    if ('literal' in word) return [];
    const number = raw.lit(index);
    const within = categoryIds.length > 0 ? [raw`select ${number} as word_number, id as product_id, ${raw.lit(categoryScore)} as score from product where category_id in (${raw.join(categoryIds.map(idToBytes))})`] : []; // prettier-ignore
    return [
      raw`select ${number} as word_number, t.product_id, t.weight * m.factor as score from ${matches(word)} m join search_posting t on t.word = m.word`,
      ...within,
    ];
  });
  const needed = words.filter(({ word }) => !('literal' in word)).length;
  return raw`(select product_id, cast(sum(score) as signed) as score from (
    select word_number, product_id, max(score) as score from (${raw.join(each, raw` union all `)}) one group by word_number, product_id
  ) best group by product_id having count(*) = ${raw.lit(needed)})`;
}
