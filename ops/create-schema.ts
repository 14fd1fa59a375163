import { connectAsRoot } from './connect.ts';

/** What a service may do in its own schema: its data, and the tables that its migrations make. */
const rights =
  'select, insert, update, delete, create, alter, drop, index, references, create temporary tables, lock tables';

/** Makes the schema and the user of a service's own URL, where they are missing. */
export async function createSchemaAndUser(rootUrl: string, own: URL): Promise<void> {
  const root = await connectAsRoot(rootUrl);
  try {
    const name = decodeURIComponent(own.pathname.slice(1));
    const user = `${root.escape(decodeURIComponent(own.username))}@'%'`;
    const password = root.escape(decodeURIComponent(own.password));
    await root.query(`create database if not exists ${root.escapeId(name)} character set utf8mb4 collate utf8mb4_bin`);
    await root.query(`create user if not exists ${user} identified by ${password}`);
    await root.query(`alter user ${user} identified by ${password}`);
    // In a grant an underscore stands for any character.
    const pattern = name.replaceAll('`', '``').replaceAll('_', '\\_');
    await root.query(`grant ${rights} on \`${pattern}\`.* to ${user}`);
  } finally {
    await root.end();
  }
}
