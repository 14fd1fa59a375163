import { testEngine } from './engines.ts';

/** MySQL writes the texts in a CHECK with their character set, which MikroORM takes for another CHECK. */
const rewrittenCheck = /^alter table `\w+` (?:drop constraint `\w+`|add constraint `\w+` check \(.*'.*\));$/;

/** The statements by which MikroORM would make the schema what the records say, without those that mean nothing. */
export function driftOf(statements: string, meaningless?: RegExp): string[] {
  const lines = statements.split('\n').filter((line) => line !== '' && !meaningless?.test(line));
  if (testEngine === 'mariadb') return lines;
  const rewritten = lines.filter((line) => line.includes(' add constraint ') && rewrittenCheck.test(line));
  const names = new Set(rewritten.map((line) => /constraint `(\w+)`/.exec(line)?.[1]));
  return lines.filter((line) => !rewrittenCheck.test(line) || !names.has(/constraint `(\w+)`/.exec(line)?.[1]));
}
