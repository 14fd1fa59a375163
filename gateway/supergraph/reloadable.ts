import type { GraphQLSchema } from 'graphql';
import { type Documents, openDocuments } from '../documents/documents.ts';
import { type Supergraph, type SupergraphOptions, openSupergraph } from './supergraph.ts';

/** A supergraph with the documents that were read for it. */
type Loaded = { readonly supergraph: Supergraph; readonly documents: Documents };

/** The supergraph that is served now. `supergraph` and `documents` stay the same objects and stand for whichever it is. */
export type Graph = Loaded & {
  /**
   * Serves another supergraph from now on. What runs, and every stream, goes on as it was planned. Rejects for one that
   * can't be loaded or that `check` doesn't like; then nothing has changed.
   */
  replace(sdl: string): Promise<void>;
  /** Calls `listener` with the schema that clients see, now and after each exchange. Returns the end of it. */
  onSchema(listener: (loaded: { apiSchema: GraphQLSchema; coreSupergraphSdl: string }) => void): () => void;
  close(): Promise<void>;
};

export type GraphOptions = SupergraphOptions & {
  readonly documents: Parameters<typeof openDocuments>[1];
  /** Throws for a supergraph that shall not be served; called before anybody uses it. */
  readonly check: (loaded: Loaded) => void;
};

/** Loads the first supergraph. */
export async function openGraph({ documents, check, ...options }: GraphOptions): Promise<Graph> {
  const load = async (sdl: string): Promise<Loaded> => {
    const supergraph = await openSupergraph({ ...options, sdl });
    try {
      const loaded = { supergraph, documents: openDocuments(supergraph.schema, { ...documents, supergraphSdl: sdl }) };
      check(loaded);
      return loaded;
    } catch (error) {
      await supergraph.close();
      throw error;
    }
  };
  const listeners = new Set<Parameters<Graph['onSchema']>[0]>();
  let now = await load(options.sdl);
  const tell = (listener: Parameters<Graph['onSchema']>[0]) =>
    listener({ apiSchema: now.supergraph.schema, coreSupergraphSdl: now.supergraph.sdl });

  return {
    supergraph: {
      get schema() {
        return now.supergraph.schema;
      },
      get sdl() {
        return now.supergraph.sdl;
      },
      isPrepared: (operation) => now.supergraph.isPrepared(operation),
      prepare: (operation) => now.supergraph.prepare(operation),
      prepareAll: (operation) => now.supergraph.prepareAll(operation),
      prepared: () => now.supergraph.prepared(),
      execute: (operation) => now.supergraph.execute(operation),
      planSubscription: (operation) => now.supergraph.planSubscription(operation),
      close: () => now.supergraph.close(),
    },
    documents: {
      read: (query, variables) => now.documents.read(query, variables),
      known: (query) => now.documents.known(query),
    },
    async replace(sdl) {
      const next = await load(sdl);
      const before = now;
      now = next;
      for (const listener of listeners) tell(listener);
      // It only stops to watch for updates: streams that were planned by it go on.
      await before.supergraph.close();
    },
    onSchema(listener) {
      listeners.add(listener);
      tell(listener);
      return () => listeners.delete(listener);
    },
    close: () => now.supergraph.close(),
  };
}
