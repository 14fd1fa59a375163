import { type ComponentProps, lazy } from 'react';
import { t } from '../language/catalogue.ts';
import { Later } from '../ui/boundary.tsx';
import type { AddressForm } from './address-form.tsx';

/** The form brings the address rules of all countries: it is fetched when somebody types an address. */
const Form = lazy(async () => ({ default: (await import('./address-form.tsx')).AddressForm }));

export const LazyAddressForm = (props: ComponentProps<typeof AddressForm>) => (
  <Later text={t().address.loadingForm}>
    <Form {...props} />
  </Later>
);
