import { useQuery } from 'urql';
import { Link, useSearchParams } from 'wouter';
import {
  type ReportInterval,
  SalesReportDocument,
  type SalesReportQuery,
  ShopDateDocument,
} from '../../../../schema/generated/operations.ts';
import { decimalText, isCurrency } from '../../../../subgraphs/shared/values/currencies.ts';
import { toApiError } from '../api.ts';
import { formatDay } from '../booking/dates.ts';
import { formatMoney } from '../format.ts';
import type { Money } from '../types.ts';
import { Chips } from '../ui/chips.tsx';
import { Loading, Problem, useTitle } from '../ui/parts.tsx';
import { saveCsv } from './save-csv.ts';

type Report = SalesReportQuery['salesReport'];
type Row = Report['rows'][number];

const intervals: Readonly<Record<string, ReportInterval>> = { '': 'DAY', week: 'WEEK', month: 'MONTH' };
const usualCurrency = 'EUR';
const usualDays = 29;
const dayMs = 86_400_000;

const daysBefore = (date: string, days: number): string =>
  new Date(Date.parse(date) - days * dayMs).toISOString().slice(0, 10);

/** What was sold, in figures, bars and a table. */
export function SalesPage() {
  useTitle('Sales');
  const [{ data, error }, again] = useQuery({ query: ShopDateDocument });
  if (data !== undefined) return <Sales today={data.shopDate} />;
  return error === undefined ? (
    <Loading text="Asking what day it is in the shop…" />
  ) : (
    <Problem what="The sales can’t be shown." why={toApiError(error).message} onRetry={() => again()} />
  );
}

function Sales({ today }: { today: string }) {
  const [params, setParams] = useSearchParams();
  const [from, to] = [params.get('from') ?? daysBefore(today, usualDays), params.get('to') ?? today];
  const by = params.get('by') ?? '';
  const currency = isCurrency(params.get('currency') ?? '') ? (params.get('currency') ?? '') : usualCurrency;
  const set = (name: string, value: string) =>
    setParams(
      (known) => {
        const next = new URLSearchParams(known);
        if (value === '') next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  const [{ data, error }, again] = useQuery({
    query: SalesReportDocument,
    variables: { from, to, interval: intervals[by] ?? 'DAY', currency },
    requestPolicy: 'cache-and-network',
  });
  return (
    <>
      <div className="page-head">
        <h1>Sales</h1>
        {data !== undefined && (
          <button
            type="button"
            className="button quiet"
            onClick={() => saveCsv(`sales-${from}-${to}-${currency}.csv`, csvRows(data.salesReport))}
          >
            Save as CSV
          </button>
        )}
      </div>
      <form className="fields card" onSubmit={(event) => event.preventDefault()} aria-label="Which sales">
        <div className="field">
          <label htmlFor="sales-from">From</label>
          <input
            id="sales-from"
            type="date"
            required
            max={to}
            value={from}
            onChange={({ target }) => target.value !== '' && set('from', target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor="sales-to">To</label>
          <input
            id="sales-to"
            type="date"
            required
            min={from}
            value={to}
            onChange={({ target }) => target.value !== '' && set('to', target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor="sales-currency">Currency</label>
          <input
            id="sales-currency"
            defaultValue={currency}
            maxLength={3}
            autoCapitalize="characters"
            onChange={({ target }) => {
              const code = target.value.toUpperCase();
              if (isCurrency(code)) set('currency', code === usualCurrency ? '' : code);
            }}
          />
        </div>
        <Chips
          legend="Each row is"
          all="Day"
          value={by}
          choices={[
            ['week', 'Week'],
            ['month', 'Month'],
          ]}
          onChange={(value) => set('by', value)}
        />
      </form>
      {error !== undefined && (
        <Problem what="The sales can’t be shown." why={toApiError(error).message} onRetry={() => again()} />
      )}
      {data === undefined && error === undefined && <Loading text="Adding up…" />}
      {data !== undefined && error === undefined && <ReportView report={data.salesReport} />}
    </>
  );
}

const columns = ['Orders', 'Items', 'Gross', 'Discounts', 'Shipping', 'Tax', 'Refunds', 'Net'] as const;
const moneyOf = ({ gross, discounts, shipping, tax, refunds, net }: Row): readonly Money[] => [
  gross,
  discounts,
  shipping,
  tax,
  refunds,
  net,
];
const cellsOf = (row: Row): string[] => [String(row.orders), String(row.items), ...moneyOf(row).map(formatMoney)];

/** Amounts as decimals, without the currency: a spreadsheet adds them up. */
const csvRows = (report: Report): (string | number)[][] => [
  ['From', ...columns],
  ...report.rows.map((row) => [
    row.from,
    row.orders,
    row.items,
    ...moneyOf(row).map(({ amount, currency }) => decimalText(amount, currency)),
  ]),
];

function ReportView({ report }: { report: Report }) {
  return (
    <div className="aside sales">
      <section className="card" aria-label="In all">
        <dl className="figures">
          {columns.map((name, index) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{cellsOf(report.total)[index]}</dd>
            </div>
          ))}
        </dl>
        <Bars rows={report.rows} />
      </section>
      <section className="card scrolls" aria-label="Row by row" tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">From</th>
              {columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {report.rows
              .filter(({ orders, refunds }) => orders > 0 || refunds.amount > 0)
              .toReversed()
              .map((row) => (
                <tr key={row.from}>
                  <th scope="row">{formatDay(row.from)}</th>
                  {cellsOf(row).map((cell, index) => (
                    <td key={columns[index]}>{cell}</td>
                  ))}
                </tr>
              ))}
          </tbody>
        </table>
        {report.total.orders === 0 && <p className="muted">Nothing was sold in this time.</p>}
      </section>
      {report.topProducts.length > 0 && (
        <section className="card" aria-labelledby="top-title">
          <h2 id="top-title">Sold best</h2>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Product</th>
                <th scope="col">Pieces</th>
                <th scope="col">Gross</th>
              </tr>
            </thead>
            <tbody>
              {report.topProducts.map(({ product, quantity, gross }) => (
                <tr key={product.id}>
                  <th scope="row">
                    <Link href={`/staff/products/${product.id}`}>{product.name}</Link>
                  </th>
                  <td>{quantity}</td>
                  <td>{formatMoney(gross)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

/** The net of each row as a bar. The table below says the same in figures. */
function Bars({ rows }: { rows: readonly Row[] }) {
  const most = Math.max(1, ...rows.map(({ net }) => net.amount));
  return (
    <svg className="chart" viewBox={`0 0 ${rows.length} 100`} preserveAspectRatio="none" aria-hidden="true">
      {rows.map(({ from, net }, index) => {
        const height = (Math.max(0, net.amount) / most) * 100;
        return <rect key={from} x={index + 0.1} y={100 - height} width={0.8} height={height} />;
      })}
    </svg>
  );
}
