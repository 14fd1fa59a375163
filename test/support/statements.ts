import { subscribe, unsubscribe } from 'node:diagnostics_channel';

const channels = ['tracing:mysql2:query:start', 'tracing:mysql2:execute:start'];
const control = /^\s*(?:start transaction|commit|rollback|set )/i;

/** A text that went to a schema in one round trip. */
export type Sent = { readonly database: string; readonly statements: readonly string[] };

/** What is sent while `work` is done, by everything in this process. Exact: the driver itself tells of each text. */
export async function sentDuring(work: () => Promise<unknown>): Promise<Sent[]> {
  const sent: Sent[] = [];
  const note = (message: unknown): void => {
    const { query, database } = message as { query: string; database: string };
    sent.push({ database, statements: query.split(';\n') });
  };
  for (const channel of channels) subscribe(channel, note);
  try {
    await work();
  } finally {
    for (const channel of channels) unsubscribe(channel, note);
  }
  return sent;
}

/** The statements to one schema, without those of transaction control and of a connection's settings. */
export const statementsTo = (database: string, sent: readonly Sent[]): string[] =>
  sent.flatMap((text) => (text.database === database ? text.statements.filter((each) => !control.test(each)) : []));
