import { useState } from 'react';
import { PromotionsDocument, type PromotionsQuery } from '../../../../../schema/generated/operations.ts';
import { formatDateTime, formatMoney } from '../../format.ts';
import { useTitle } from '../../ui/parts.tsx';
import { NothingHere, PagedList } from '../paged-list.tsx';
import { percentOf } from './numbers.ts';
import { PromotionForm } from './promotion-form.tsx';
import { OnOff, RuleHead, RuleItem } from './rule-list.tsx';

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

const pageSize = 50;

/** Coupons, and promotions that apply by themselves. */
export function PromotionsPage() {
  useTitle('Promotions');
  const [saved, setSaved] = useState(0);
  const kind = {
    add: 'Make a promotion',
    nameOf: ({ name }: Promotion) => name,
    about: (promotion: Promotion) => <About promotion={promotion} />,
    form: (promotion: Promotion | null, close: () => void) => (
      <PromotionForm promotion={promotion} onSaved={() => setSaved(saved + 1)} onClose={close} />
    ),
  };
  return (
    <>
      <div className="page-head">
        <h1>Promotions</h1>
      </div>
      <div className="aside">
        <RuleHead title="Coupons and offers" {...kind} />
        <PagedList
          document={PromotionsDocument}
          variables={{ first: pageSize }}
          pageOf={(data) => data.promotions}
          what="promotions"
          changes={saved}
          empty={
            <NothingHere title="No promotions" text="Coupons, and offers that apply by themselves, are listed here." />
          }
          row={(promotion) => <RuleItem key={promotion.id} rule={promotion} {...kind} />}
        />
      </div>
    </>
  );
}

const About = ({ promotion }: { promotion: Promotion }) => (
  <>
    <p>
      <strong>{promotion.name}</strong> {promotion.code !== null && <code>{promotion.code}</code>}{' '}
      <OnOff active={promotion.active} />
    </p>
    <p className="small muted">
      {valueText(promotion)}
      {promotion.minimumSubtotal !== null && ` from ${formatMoney(promotion.minimumSubtotal)}`} · used {promotion.used}
      {promotion.usageLimit !== null && ` of ${promotion.usageLimit}`}
      {promotion.endsAt !== null && ` · until ${formatDateTime(promotion.endsAt)}`}
    </p>
  </>
);
