import type { CallContext } from '../shared/engine/prepare.ts';
import type { PaymentDeps } from './deps.ts';
import type { PaymentLoaders } from './loaders.ts';

/** What resolvers get with every call. */
export type PaymentContext = CallContext & { readonly deps: PaymentDeps; readonly loaders: PaymentLoaders };
