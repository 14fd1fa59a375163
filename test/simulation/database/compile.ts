import type { Expression, Select } from './parse.ts';
import type { Schema, Table } from './schema.ts';

/** A value inside: a date as epoch milliseconds, an id as the one Buffer of its content (see `Memory.bind`). */
export type Value = string | number | Buffer | null;
export type Values = Value[];

/** What an expression is evaluated in. A source that a left join has not found is null. */
export type Scope = {
  readonly parameters: readonly Value[];
  readonly rows: (Values | null)[];
  readonly outer: Scope | null;
  /** The row that an INSERT could not insert, for `values(column)`. */
  readonly refused: Values | null;
  readonly view: View;
};
/** What a statement sees of the database, and its time. */
export type View = { nowMs(): number; rowsOf(table: string): readonly Values[] };
export type Evaluate = (scope: Scope) => Value;

/** Names that an expression may use, and what they stand for in `Scope.rows`. */
export type Names = {
  readonly sources: readonly { readonly alias: string; readonly table: Table }[];
  readonly outer: Names | null;
};

export const isTrue = (value: Value): boolean => value !== null && value !== 0;
const truth = (is: boolean): number => (is ? 1 : 0);

/** -1, 0 or 1; neither is null. Text beside a number is a date, or a number in words. */
export function compare(one: Value, other: Value): number {
  if (one === other) return 0;
  if (Buffer.isBuffer(one) && Buffer.isBuffer(other)) return Buffer.compare(one, other);
  if (typeof one === 'string' && typeof other === 'number') return compare(numberOf(one), other);
  if (typeof one === 'number' && typeof other === 'string') return compare(one, numberOf(other));
  if (typeof one !== typeof other) throw new Error(`${String(one)} and ${String(other)} can't be compared`);
  return (one as number) < (other as number) ? -1 : 1;
}
const numberOf = (text: string): number =>
  /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(`${text.replace(' ', 'T').slice(0, 23)}Z`) : Number(text);

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

export function compile(expression: Expression, names: Names, schema: Schema): Evaluate {
  const inner = (part: Expression): Evaluate => compile(part, names, schema);
  switch (expression.kind) {
    case 'value': {
      const { value } = expression;
      return () => value;
    }
    case 'parameter': {
      const { index } = expression;
      return ({ parameters }) => parameters[index] as Value;
    }
    case 'column':
      return columnOf(expression, names);
    case 'operation':
      return operationOf(expression.operator, expression.operands.map(inner));
    case 'in': {
      const [of, list, { negated }] = [inner(expression.of), expression.list.map(inner), expression];
      return (scope) => {
        const value = of(scope);
        return value === null ? null : truth(list.some((item) => equal(value, item(scope))) !== negated);
      };
    }
    case 'case': {
      const of = expression.of && inner(expression.of);
      const when = expression.when.map(([condition, then]) => [inner(condition), inner(then)] as const);
      const otherwise = inner(expression.otherwise);
      return (scope) => {
        const value = of?.(scope) ?? null;
        const found = when.find(([condition]) => (of ? equal(value, condition(scope)) : isTrue(condition(scope))));
        return (found?.[1] ?? otherwise)(scope);
      };
    }
    case 'call':
      return callOf(expression.name, expression.operands, names, schema);
    case 'query': {
      const query = compileSelect(expression.select, schema, names);
      return expression.exists
        ? (scope) => truth(query.run(scope).length > 0)
        : (scope) => query.run(scope)[0]?.[0] ?? null;
    }
  }
}

const equal = (one: Value, other: Value): boolean => one !== null && other !== null && compare(one, other) === 0;

function columnOf({ table, name }: { table: string | null; name: string }, names: Names): Evaluate {
  let depth = 0;
  for (let level: Names | null = names; level; level = level.outer, depth += 1) {
    for (const [source, { alias, table: of }] of level.sources.entries()) {
      if (table !== null && table !== alias) continue;
      const place = of.columns.findIndex((column) => column.name === name);
      if (place < 0) continue;
      if (depth === 0) return ({ rows }) => rows[source]?.[place] ?? null;
      if (depth === 1) return ({ outer }) => outer?.rows[source]?.[place] ?? null;
    }
  }
  throw new Error(`the simulation's database knows no column ${table === null ? '' : `${table}.`}${name}`);
}

function operationOf(operator: string, operands: readonly Evaluate[]): Evaluate {
  const [left, right] = operands as [Evaluate, Evaluate];
  const comparison = comparisons[operator];
  if (comparison) {
    return (scope) => {
      const [one, other] = [left(scope), right(scope)];
      return one === null || other === null ? null : truth(comparison(compare(one, other)));
    };
  }
  const arithmetic = (calculate: (one: number, other: number) => number): Evaluate => (scope) => {
    const [one, other] = [left(scope), right(scope)];
    return one === null || other === null ? null : calculate(Number(one), Number(other));
  }; // prettier-ignore
  switch (operator) {
    case 'and':
      return (scope) => {
        const one = left(scope);
        if (one !== null && !isTrue(one)) return 0;
        const other = right(scope);
        if (other !== null && !isTrue(other)) return 0;
        return one === null || other === null ? null : 1;
      };
    case 'or':
      return (scope) => {
        const one = left(scope);
        if (isTrue(one)) return 1;
        const other = right(scope);
        if (isTrue(other)) return 1;
        return one === null || other === null ? null : 0;
      };
    case 'not':
      return (scope) => {
        const value = left(scope);
        return value === null ? null : truth(!isTrue(value));
      };
    case 'is null':
      return (scope) => truth(left(scope) === null);
    case 'is not null':
      return (scope) => truth(left(scope) !== null);
    case '+':
      return arithmetic((one, other) => one + other);
    case '-':
      return arithmetic((one, other) => one - other);
    case '*':
      return arithmetic((one, other) => one * other);
    default:
      throw new Error(`the simulation's database has no operator ${operator}`);
  }
}

function callOf(name: string, operands: readonly Expression[], names: Names, schema: Schema): Evaluate {
  if (name === 'values') {
    const [column] = operands;
    const [source] = names.sources;
    const place = source?.table.columns.findIndex((one) => column?.kind === 'column' && one.name === column.name) ?? -1;
    if (place < 0) throw new Error('values() names a column');
    return ({ refused }) => refused?.[place] ?? null;
  }
  const inner = operands.map((operand) => compile(operand, names, schema));
  const [first, second, third] = inner as [Evaluate, Evaluate, Evaluate];
  switch (name) {
    case 'utc_timestamp':
      return ({ view }) => view.nowMs();
    case 'coalesce':
      return (scope) => {
        for (const evaluate of inner) {
          const value = evaluate(scope);
          if (value !== null) return value;
        }
        return null;
      };
    case 'if':
      return (scope) => (isTrue(first(scope)) ? second(scope) : third(scope));
    case 'date_format':
      return (scope) => {
        if (second(scope) !== '%Y-%m-%dT%T.%f') throw new Error('another format of dates');
        const at = first(scope);
        return `${new Date(typeof at === 'string' ? numberOf(at) : Number(at)).toISOString().slice(0, -1)}000`;
      };
    default:
      throw new Error(`the simulation's database has no function ${name}`);
  }
}

export type Query = { run(scope: Scope): Values[] };

/** A SELECT without locks. */
export function compileSelect(select: Select, schema: Schema, outer: Names | null = null): Query {
  const names: Names = {
    sources: select.sources.map(({ table, alias }) => ({ alias, table: tableOf(schema, table) })),
    outer,
  };
  const items = itemsOf(select, names).map(({ expression }) => compile(expression, names, schema));
  const joins = select.sources.map(({ table, join }) => ({
    table,
    isLeft: join?.left ?? false,
    on: join ? compile(join.on, names, schema) : null,
  }));
  const filter = select.where && compile(select.where, names, schema);
  const order = compileOrder(select.order, names, schema);
  const limit = select.limit && compile(select.limit, names, schema);

  function visit(scope: Scope, source: number, emit: () => void): void {
    const join = joins[source];
    if (!join) {
      if (!filter || isTrue(filter(scope))) emit();
      return;
    }
    let found = false;
    for (const row of scope.view.rowsOf(join.table)) {
      scope.rows[source] = row;
      if (join.on && !isTrue(join.on(scope))) continue;
      found = true;
      visit(scope, source + 1, emit);
    }
    if (found || !join.isLeft) return;
    scope.rows[source] = null;
    visit(scope, source + 1, emit);
  }
  return {
    run(given) {
      const scope: Scope = { ...given, rows: [], outer: given };
      const found: { keys: Values; values: Values }[] = [];
      visit(scope, 0, () => found.push({ keys: order.keysOf(scope), values: items.map((item) => item(scope)) }));
      return order
        .sorted(found)
        .slice(0, limit ? Number(limit(scope)) : found.length)
        .map(({ values }) => values);
    },
  };
}

/** What is selected, item by item. `*` gives the columns of the first source, `source.*` those of that one. */
export function itemsOf({ items }: Select, { sources }: Names): { expression: Expression; name: string }[] {
  const columnsOf = (source: Names['sources'][number] | undefined) =>
    (source?.table.columns ?? []).map(({ name }) => ({
      expression: { kind: 'column', table: source?.alias ?? null, name } as const,
      name,
    }));
  if (items === null) return columnsOf(sources[0]);
  return items.flatMap((item) => ('all' in item ? columnsOf(sources.find(({ alias }) => alias === item.all)) : item));
}

export function tableOf(schema: Schema, name: string): Table {
  const table = schema.get(name);
  if (!table) throw new Error(`the simulation's database has no table ${name}`);
  return table;
}

/** Sorts by ORDER BY; what is equal stays as it was. Nulls come first. */
export function compileOrder(orderings: Select['order'], names: Names, schema: Schema) {
  const keys = orderings.map(({ by }) => compile(by, names, schema));
  return {
    keysOf: (scope: Scope): Values => keys.map((key) => key(scope)),
    sorted<T extends { readonly keys: Values }>(found: T[]): T[] {
      if (keys.length === 0 || found.length < 2) return found;
      return found.toSorted((one, other) => {
        for (const [index, { descending }] of orderings.entries()) {
          const [left, right] = [one.keys[index] ?? null, other.keys[index] ?? null];
          const result =
            left === null || right === null ? truth(left !== null) - truth(right !== null) : compare(left, right);
          if (result !== 0) return descending ? -result : result;
        }
        return 0;
      });
    },
  };
}
