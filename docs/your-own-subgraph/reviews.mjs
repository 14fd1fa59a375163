// A subgraph of a team's own: reviews of products. It imports nothing of the platform, and keeps its reviews in memory.
// `node docs/your-own-subgraph/reviews.mjs` serves it at http://localhost:4201/graphql, over HTTP and WebSocket.
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { GraphQLError, parse } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { jwtVerify } from 'jose';
import { WebSocketServer } from 'ws';

const {
  PORT = '4201',
  REVIEWS_TOKEN = 'development-token-of-the-subgraph-reviews',
  REVIEWS_IDENTITY_SECRET = 'development-identity-secret-of-the-subgraph-reviews',
} = process.env;
const identityKey = new TextEncoder().encode(REVIEWS_IDENTITY_SECRET);
const maxPage = 100;
const maxTextLength = 1_000;

const refused = (code, message) => new GraphQLError(message, { extensions: { code } });

/** Who asks, from the headers of a request or the `connectionParams` of a socket: the gateway says it in the same words. */
async function callerOf(headers) {
  const hash = (text) => createHash('sha256').update(String(text)).digest();
  const hasToken = timingSafeEqual(hash(headers['x-service-token']), hash(REVIEWS_TOKEN));
  if (headers['x-service-app'] !== 'gateway' || !hasToken) throw new Error('Only the gateway may ask.');
  const identity = headers['x-identity'];
  if (identity === undefined) return { userId: null, roles: [] };
  const { payload } = await jwtVerify(identity, identityKey, {
    algorithms: ['HS256'],
    issuer: 'order-platform-gateway',
    audience: 'reviews',
    requiredClaims: ['sub', 'exp'],
    clockTolerance: 5,
  });
  return { userId: payload.sub, roles: payload.roles };
}

const byProduct = new Map();
const reviewsOf = (productId) => byProduct.get(productId) ?? [];
const added = new EventEmitter().setMaxListeners(0);

const resolvers = {
  Product: {
    __resolveReference: ({ id }) => ({ id }),
    reviews({ id }, { first }) {
      if (first < 0 || first > maxPage) throw refused('BAD_USER_INPUT', `first must be between 0 and ${maxPage}.`);
      return reviewsOf(id).slice(0, first);
    },
    rating({ id }) {
      const all = reviewsOf(id);
      return all.length === 0 ? null : all.reduce((sum, { stars }) => sum + stars, 0) / all.length;
    },
  },
  Review: {
    __resolveReference: ({ id }) => [...byProduct.values()].flat().find((review) => review.id === id) ?? null,
    author: ({ authorId }) => ({ id: authorId }),
    product: ({ productId }) => ({ id: productId }),
  },
  Mutation: {
    addReview(_, { productId, stars, text }, { userId }) {
      if (userId === null) throw refused('UNAUTHENTICATED', 'Sign in to review a product.');
      if (stars < 1 || stars > 5) throw refused('BAD_USER_INPUT', 'stars must be between 1 and 5.');
      if (text.length > maxTextLength)
        throw refused('REVIEW_TOO_LONG', `A review has at most ${maxTextLength} characters.`);
      const review = { id: randomUUID(), productId, authorId: userId, stars, text };
      byProduct.set(productId, [review, ...reviewsOf(productId)]);
      added.emit(productId, review);
      return review;
    },
  },
  Subscription: {
    reviewAdded: {
      subscribe: (_, { productId }) => on(added, productId),
      resolve: ([review]) => review,
    },
  },
};

const typeDefs = parse(readFileSync(new URL('./reviews.graphql', import.meta.url), 'utf8'));
const schema = buildSubgraphSchema([{ typeDefs, resolvers }]);

const callers = new WeakMap();
const graphql = createHandler({ schema, context: ({ raw }) => callers.get(raw) });
async function answer(request, response) {
  try {
    callers.set(request, await callerOf(request.headers));
  } catch (error) {
    const errors = [{ message: error.message, extensions: { code: 'UNAUTHORISED_CALLER' } }];
    response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ errors }));
    return;
  }
  await graphql(request, response);
}
const server = createServer((request, response) => void answer(request, response));

useServer(
  {
    schema,
    // A socket is one caller's.
    async onConnect({ connectionParams, extra }) {
      try {
        extra.caller = await callerOf(connectionParams ?? {});
        return true;
      } catch {
        return false; // closes the socket
      }
    },
    context: ({ extra }) => extra.caller,
  },
  new WebSocketServer({ server, path: '/graphql' }),
);

server.listen(Number(PORT), () => console.log(`reviews at http://localhost:${server.address().port}/graphql`));
