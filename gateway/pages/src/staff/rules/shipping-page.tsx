import { useQuery } from 'urql';
import { PriceRulesDocument } from '../../../../../schema/generated/operations.ts';
import { toApiError } from '../../api.ts';
import { formatMoney } from '../../format.ts';
import { Problem, Skeleton, useTitle } from '../../ui/parts.tsx';
import { percentOf } from './numbers.ts';
import { OnOff, RuleList } from './rule-list.tsx';
import { ShippingForm } from './shipping-form.tsx';
import { TaxForm } from './tax-form.tsx';

const regions = new Intl.DisplayNames('en', { type: 'region' });

/** How the shop ships, and what it taxes. */
export function ShippingPage() {
  useTitle('Shipping and taxes');
  const [{ data, error }, again] = useQuery({ query: PriceRulesDocument, requestPolicy: 'cache-and-network' });
  const reload = () => again({ requestPolicy: 'network-only' });
  return (
    <>
      <div className="page-head">
        <h1>Shipping and taxes</h1>
      </div>
      {data === undefined && error !== undefined && (
        <Problem what="The rules can’t be shown." why={toApiError(error).message} onRetry={reload} />
      )}
      {data === undefined && error === undefined && (
        <Skeleton count={3} className="order-list" label="Loading the rules…" />
      )}
      {data !== undefined && (
        <div className="aside">
          <RuleList
            title="Shipping methods"
            rules={data.shippingMethods}
            add="Add a method"
            nameOf={({ name }) => name}
            about={({ name, code, active, countries, rates, minDays, maxDays }) => (
              <>
                <p>
                  <strong>{name}</strong> <code>{code}</code> <OnOff active={active} />
                </p>
                <p className="small muted">
                  {countries.length === 0 ? 'Everywhere' : countries.map((country) => regions.of(country)).join(', ')} ·{' '}
                  {rates.map(({ price }) => (price.amount === 0 ? 'free' : formatMoney(price))).join(', ')}
                  {maxDays !== null && ` · ${minDays === null || minDays === maxDays ? maxDays : `${minDays}–${maxDays}`} days`}
                </p>
              </>
            )}
            form={(method, close) => <ShippingForm method={method} onSaved={reload} onClose={close} />}
          />
          <RuleList
            title="Tax rates"
            rules={data.taxRates}
            add="Add a rate"
            nameOf={({ name, countryCode }) => `${name}, ${countryCode}`}
            about={({ name, countryCode, region, category, ratePpm, active }) => (
              <>
                <p>
                  <strong>{name}</strong> <OnOff active={active} />
                </p>
                <p className="small muted">
                  {regions.of(countryCode)}
                  {region !== null && `, ${region}`} · {category} · {percentOf(ratePpm)} %
                </p>
              </>
            )}
            form={(rate, close) => <TaxForm rate={rate} onSaved={reload} onClose={close} />}
          />
        </div>
      )}
    </>
  );
} // prettier-ignore
