import { MongoBackend } from '@agendajs/mongo-backend';
import { MongoClient } from 'mongodb';
import { type JobStore, type JobStoreOptions, commandTimeoutMs, connectTimeoutMs } from './job-store.ts';

/** Agenda's jobs in MongoDB. Rejects when it can't be reached now. */
export async function connectMongoStore(mongoUrl: string, { prefix, onError }: JobStoreOptions): Promise<JobStore> {
  const client = new MongoClient(mongoUrl, {
    serverSelectionTimeoutMS: commandTimeoutMs,
    connectTimeoutMS: connectTimeoutMs,
    socketTimeoutMS: commandTimeoutMs,
  });
  client.on('error', onError);
  try {
    await client.connect();
    const backend = new MongoBackend({ mongo: client.db(), collection: `${prefix}_jobs` });
    await backend.connect();
    return {
      backend,
      ping: async () => void (await client.db().command({ ping: 1 })),
      close: () => client.close(),
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}
