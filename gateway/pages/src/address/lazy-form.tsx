import { Suspense, type ComponentProps, lazy } from 'react';
import { Loading } from '../ui/parts.tsx';
import type { AddressForm } from './address-form.tsx';

/** The form brings the address rules of all countries: it is fetched when somebody types an address. */
const Form = lazy(async () => ({ default: (await import('./address-form.tsx')).AddressForm }));

export const LazyAddressForm = (props: ComponentProps<typeof AddressForm>) => (
  <Suspense fallback={<Loading text="Loading the form…" />}>
    <Form {...props} />
  </Suspense>
);
