import { Suspense, type ComponentProps, lazy } from 'react';
import { Loading } from '../ui/parts.tsx';
import type { AddressForm } from './address-form.tsx';
import { t } from '../language/catalogue.ts';

/** The form brings the address rules of all countries: it is fetched when somebody types an address. */
const Form = lazy(async () => ({ default: (await import('./address-form.tsx')).AddressForm }));

export const LazyAddressForm = (props: ComponentProps<typeof AddressForm>) => (
  <Suspense fallback={<Loading text={t().address.loadingForm} />}>
    <Form {...props} />
  </Suspense>
);
