import { type Connection, type ConnectionOptions, createConnection } from 'mysql2/promise';
import { ConfigError } from '../subgraphs/shared/process/env.ts';

const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'PROTOCOL_CONNECTION_LOST',
]);

/** A connection; where none can be had, ConfigError that names the variable. */
export async function connect(url: string, variable: string, options: ConnectionOptions = {}): Promise<Connection> {
  try {
    return await createConnection({ uri: url, connectTimeout: 5_000, ...options });
  } catch (error) {
    const { code } = error as { code?: string };
    if (!unreachable.has(String(code))) throw error;
    throw new ConfigError(
      `${variable}: no database answers at ${new URL(url).host} (${code}); start it, or change the URL.`,
    );
  }
}

/** As MYSQL_URL's user; where the database refuses that, ConfigError. */
export async function connectAsRoot(url: string, options: ConnectionOptions = {}): Promise<Connection> {
  try {
    return await connect(url, 'MYSQL_URL', options);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ER_ACCESS_DENIED_ERROR') throw error;
    throw new ConfigError(`MYSQL_URL: the database refuses the user and password (${(error as Error).message}).`);
  }
}
