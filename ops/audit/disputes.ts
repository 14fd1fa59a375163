import { type AuditContext, broken } from './context.ts';

/** What a dispute's refund is to be, by the dispute's state; won on appeal it was lost before, and stays gone in our books. */
const refundState = (dispute: string, lostBefore: string): string =>
  `case ${dispute} when 'OPEN' then 'PENDING' when 'LOST' then 'SUCCEEDED' else if(${lostBefore}, 'SUCCEEDED', 'FAILED') end`;

/** I2: what customers' banks took back is told alike by the provider, our dispute, its refund, and the journals of payment and order. */
export async function auditDisputes(context: AuditContext): Promise<string[]> {
  const [payment, order, provider] = [context.schema('payment'), context.schema('order'), context.schema('simulated')];
  const settled = (column: string) => `${column} < utc_timestamp(3) - interval ${context.graceSeconds} second`;
  const told = await broken(
    context,
    `select d.id, d.status, d.amount, d.currency, o.state, o.amount_minor from ${provider}.dispute d
     left join ${payment}.dispute o on o.provider = 'simulated' and o.provider_dispute_id = d.id
     where (o.id is null or o.amount_minor <> d.amount or o.currency <> d.currency or o.state <> case d.status when 'won' then 'WON' when 'lost' then 'LOST' else 'OPEN' end)
       and ${settled('d.created_at')}`,
    (row) =>
      `the provider has dispute ${row['id']} of ${row['amount']} ${row['currency']}, ${row['status']}; ours is ${row['state']} of ${row['amount_minor']}`,
  );
  const refunds = await broken(
    context,
    `select r.number, r.state, d.provider_dispute_id dispute, d.state dispute_state from ${payment}.refund r
     left join ${payment}.dispute d on d.payment_id = r.payment_id and d.provider_dispute_id = r.provider_refund_id
     where r.origin = 'DISPUTE' and (d.id is null or r.state <> ${refundState(
       'd.state',
       `exists (select 1 from ${payment}.payment_event e where e.payment_id = d.payment_id and e.type = 'DisputeLost'
          and json_unquote(json_extract(e.data, '$.providerDisputeId')) = d.provider_dispute_id)`,
     )})`,
    (row) => `refund ${row['number']} is ${row['state']}, its dispute ${row['dispute']} is ${row['dispute_state']}`,
  );
  const journals = await broken(
    context,
    `select d.provider_dispute_id dispute, d.state, p.number from ${payment}.dispute d join ${payment}.payment p on p.id = d.payment_id
     where not exists (select 1 from ${payment}.payment_event e where e.payment_id = d.payment_id and json_unquote(json_extract(e.data, '$.providerDisputeId')) = d.provider_dispute_id
         and e.type = case d.state when 'OPEN' then 'DisputeOpened' when 'LOST' then 'DisputeLost' else 'DisputeWon' end)
       or (${settled('coalesce(d.closed_at, p.updated_at)')} and not exists (
         select 1 from ${order}.order_event e where e.order_id = p.order_id and e.type = 'DisputeRecorded'
           and unhex(replace(json_unquote(json_extract(e.data, '$.disputeId')), '-', '')) = d.id and json_unquote(json_extract(e.data, '$.state')) = d.state))`,
    (row) =>
      `dispute ${row['dispute']} of payment ${row['number']} is ${row['state']}, the journals of payment and order do not both say so`,
  );
  return [...told, ...refunds, ...journals];
}
