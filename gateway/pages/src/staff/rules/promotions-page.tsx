import { useQuery } from 'urql';
import { PromotionsDocument, type PromotionsQuery } from '../../../../../schema/generated/operations.ts';
import { toApiError } from '../../api.ts';
import { formatDateTime, formatMoney } from '../../format.ts';
import { Problem, Skeleton, useTitle } from '../../ui/parts.tsx';
import { percentOf } from './numbers.ts';
import { PromotionForm } from './promotion-form.tsx';
import { OnOff, RuleList } from './rule-list.tsx';

type Promotion = PromotionsQuery['promotions']['edges'][number]['node'];

function valueText({ kind, valuePpm, value, buyQuantity, getQuantity }: Promotion): string {
  switch (kind) {
    case 'PERCENT':
      return `${percentOf(valuePpm ?? 0)} % off`;
    case 'FIXED':
      return value === null ? '' : `${formatMoney(value)} off`;
    case 'FREE_SHIPPING':
      return 'Free shipping';
    case 'BUY_X_GET_Y':
      return `Buy ${buyQuantity}, get ${getQuantity}${valuePpm === null ? '' : ` at ${percentOf(valuePpm)} % off`}`;
  }
}

/** Coupons, and promotions that apply by themselves. */
export function PromotionsPage() {
  useTitle('Promotions');
  const [{ data, error }, again] = useQuery({ query: PromotionsDocument, variables: { first: 100 }, requestPolicy: 'cache-and-network' }); // prettier-ignore
  const reload = () => again({ requestPolicy: 'network-only' });
  return (
    <>
      <div className="page-head">
        <h1>Promotions</h1>
      </div>
      {data === undefined && error !== undefined && (
        <Problem what="The promotions can’t be shown." why={toApiError(error).message} onRetry={reload} />
      )}
      {data === undefined && error === undefined && (
        <Skeleton count={3} className="order-list" label="Loading the promotions…" />
      )}
      {data !== undefined && (
        <div className="aside">
          <RuleList
            title="Coupons and offers"
            rules={data.promotions.edges.map(({ node }) => node)}
            add="Make a promotion"
            nameOf={({ name }) => name}
            about={(promotion) => (
              <>
                <p>
                  <strong>{promotion.name}</strong> {promotion.code !== null && <code>{promotion.code}</code>}{' '}
                  <OnOff active={promotion.active} />
                </p>
                <p className="small muted">
                  {valueText(promotion)}
                  {promotion.minimumSubtotal !== null && ` from ${formatMoney(promotion.minimumSubtotal)}`} · used{' '}
                  {promotion.used}
                  {promotion.usageLimit !== null && ` of ${promotion.usageLimit}`}
                  {promotion.endsAt !== null && ` · until ${formatDateTime(promotion.endsAt)}`}
                </p>
              </>
            )}
            form={(promotion, close) => <PromotionForm promotion={promotion} onSaved={reload} onClose={close} />}
          />
        </div>
      )}
    </>
  );
}
