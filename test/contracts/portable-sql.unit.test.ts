import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = resolve(import.meta.dirname, '..', '..');

/** SQL and builder methods that one of MariaDB 10.11, MySQL 8.4 and 9, and TiDB does not take, or takes without effect; with an example. */
const refused: readonly (readonly [what: string, pattern: RegExp, example: string])[] = [
  ['RETURNING: MariaDB alone', /\breturning\s+(?:\*|[a-z_]+(?:\s*,|\s*`|\s*'))|\.returning(?:All)?\(/i, "'insert into t values (1) returning id'"],
  ['an index with a condition: none', /\bindex \w+ \([^)]*\) where\b/i, '`create index a on t (b) where b > 0` index a (b) where b'],
  ['a row alias of an INSERT: MySQL alone', /\bvalues\s*\([^)]*\)\s+as\s+\w+\s+on duplicate/i, "'insert into t values (?) as new on duplicate key update n = new.n'"],
  ['ON CONFLICT: none', /\bon conflict\b|\.onConflict\(/i, "tables.insertInto('t').onConflict((oc) => oc)"],
  ['MERGE: none', /\bmerge into\b|\.mergeInto\(/i, "tables.mergeInto('t')"],
  ['SKIP LOCKED: TiDB has none', /\bskip locked\b|\.skipLocked\(/i, "tables.selectFrom('t').forUpdate().skipLocked()"],
  ['FOR SHARE: MariaDB has none', /\bfor share\b|\.forShare\(/i, "tables.selectFrom('t').forShare()"],
  ['LOCK IN SHARE MODE: of no effect in TiDB', /\block in share mode\b/i, "'select 1 from t lock in share mode'"],
  ['FOR UPDATE OF: MariaDB has none', /\bfor update of\b|\.forUpdate\(['"[]/i, "tables.selectFrom('t').forUpdate('t')"],
  ['-> and ->> for JSON: MariaDB has none', /->>?\s*'\$/, String.raw`"select a->>'$.b' from t"`],
  ['JSON_TABLE: TiDB has none', /\bjson_table\s*\(/i, "'select * from json_table(a)'"],
  ['LATERAL: MariaDB and TiDB have none', /\blateral\s*\(|\.(?:inner|left|cross)JoinLateral\(/i, "'select 1 from t, lateral (select 2) x'"],
  ['locks by name: Vitess and older TiDB have none', /\b(?:get|release)_lock\s*\(/i, "'select get_lock(?, 1)'"],
  ['FULLTEXT: TiDB has none', /\bfulltext\b|\bmatch\s*\([^)]*\)\s*against\b/i, "'add fulltext index a (b)'"],
  ['UUID_TO_BIN: MariaDB has none', /\b(?:uuid_to_bin|bin_to_uuid)\s*\(/i, "'select bin_to_uuid(id) from t'"],
  ['sequences: MariaDB alone', /\bcreate sequence\b|\bnextval\s*\(|\bnext value for\b/i, "'select nextval(s)'"],
  ['IF [NOT] EXISTS in ALTER TABLE: MariaDB alone', /\b(?:add|drop|modify) (?:column|index|constraint) if\b/i, "'alter table t add column if not exists a int'"],
  ['CREATE OR REPLACE TABLE: MariaDB alone', /\bcreate or replace table\b/i, "'create or replace table t (a int)'"],
  ['CREATE INDEX IF NOT EXISTS: MariaDB and TiDB alone', /\bcreate (?:unique )?index if\b/i, "'create index if not exists a on t (b)'"],
  ['a collation of one server', /\bcollate \w*(?:_0900_|uca1400)\w*/i, "'name varchar(9) collate utf8mb4_0900_ai_ci'"],
  ['a stored generated column that is added: TiDB refuses it', /\badd column [^'`]*\bstored\b|\badd column [^'`]*\bpersistent\b/i, "'add column a int generated always as (b) stored'"],
  ['triggers, procedures, events: TiDB has none', /\bcreate (?:trigger|procedure|function|event)\b/i, "'create trigger a before insert on t'"],
  ['foreign keys: online changes and shards don’t go with them', /\bforeign key\b|\breferences \w+ ?\(/i, "'foreign key (a) references t (b)'"],
]; // prettier-ignore

/** Of a source file what is no comment. */
const codeOf = (source: string): string =>
  source
    .replaceAll(/\/\*\*?[\s\S]*?\*\//g, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s)\/\/ .*$/, ''))
    .join('\n');

const offences = (code: string): string[] => refused.filter(([, pattern]) => pattern.test(code)).map(([what]) => what);

/** Columns of the information schema that come under no name of ours: MySQL names them in capitals. */
const unnamed = (code: string): string[] =>
  [...code.matchAll(/\bselect (?:distinct )?([^'"`]*?) from information_schema\./gi)]
    .flatMap(([, columns = '']) => columns.split(/,(?![^(]*\))/))
    .map((column) => column.trim())
    .filter((column) => !/^\d+$|^count\(|\sas\s+\w+$|\s\w+$/i.test(column));

/** An ALTER TABLE, or an addition that becomes one, that adds more than one thing. */
const addsMore =
  /\badd (?:column|(?:unique )?index|constraint)\b[^'`]*,\s*add (?:column|(?:unique )?index|constraint)\b/i;

const sources = globSync('subgraphs/**/*.ts', { cwd: root }).map((file) => ({
  file,
  code: codeOf(readFileSync(resolve(root, file), 'utf8')),
}));
const migrations = sources.filter(({ file }) => file.includes('/migrations/'));

describe('SQL that MariaDB, MySQL and TiDB take', () => {
  test.each(refused)('refused: %s', (what, _, example) => {
    expect(offences(codeOf(example))).toContain(what);
  });

  test('what all of them take is let through, and comments say what they like', () => {
    const taken = `
      // returning * would be MariaDB's alone
      /** \`skip locked\` is not there */
      'insert into t (a) values (?) on duplicate key update a = values(a)'
      'select a from t where b = ? order by a limit 1 for update'
      tables.selectFrom('t').forUpdate()
      json_unquote(json_extract(event, '$.data.customerId'))
      'add column k varchar(9) collate utf8mb4_bin generated always as (lower(s)) virtual'
      import { isReturnable } from './domain/returning.ts';`;
    expect(offences(codeOf(taken))).toEqual([]);
  });

  test('no statement of the subgraphs is refused', () => {
    expect(sources.length).toBeGreaterThan(300);
    expect(migrations.length).toBeGreaterThan(50);
    const found = sources.flatMap(({ file, code }) => offences(code).map((what) => `${file}: ${what}`));
    expect(found).toEqual([]);
  });

  test('columns of the information schema have names of ours: MySQL gives them in capitals', () => {
    const example = "'select distinct user, table_name as name, extra from information_schema.columns'";
    expect(unnamed(example)).toEqual(['user', 'extra']);
    const readers = globSync('{ops,subgraphs,test/{faults,ops,subgraphs}}/**/*.ts', { cwd: root });
    const asking = readers.filter((file) => readFileSync(resolve(root, file), 'utf8').includes('information_schema.'));
    expect(asking.length).toBeGreaterThan(8);
    const found = asking.flatMap((file) => unnamed(readFileSync(resolve(root, file), 'utf8')).map((column) => `${file}: ${column}`)); // prettier-ignore
    expect(found).toEqual([]);
  });

  test('each ALTER TABLE of a migration adds one thing: TiDB refuses one that names what it adds itself', () => {
    expect(addsMore.test("'alter table t add column a int, add index b (a)'")).toBe(true);
    expect(addsMore.test("additions: ['add column a int', 'add index b (a)']")).toBe(false);
    expect(migrations.filter(({ code }) => addsMore.test(code)).map(({ file }) => file)).toEqual([]);
  });
});
