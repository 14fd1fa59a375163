import { Reader } from './tokens.ts';

/*
 * The part of MySQL's language in which the platform's stores speak: guarded UPDATEs, INSERTs, SELECTs with joins, and
 * expressions. Everything else is refused, so that a new kind of statement can't be misread.
 */

export type Expression =
  | { readonly kind: 'value'; readonly value: string | number | null }
  | { readonly kind: 'parameter'; readonly index: number }
  | { readonly kind: 'column'; readonly table: string | null; readonly name: string }
  | { readonly kind: 'operation'; readonly operator: string; readonly operands: readonly Expression[] }
  | { readonly kind: 'in'; readonly of: Expression; readonly list: readonly Expression[]; readonly negated: boolean }
  | { readonly kind: 'case'; readonly of: Expression | null; readonly when: readonly (readonly [Expression, Expression])[]; readonly otherwise: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly operands: readonly Expression[] }
  | { readonly kind: 'query'; readonly select: Select; readonly exists: boolean }; // prettier-ignore

export type Source = {
  readonly table: string;
  readonly alias: string;
  /** Null for the first. */
  readonly join: { readonly left: boolean; readonly on: Expression } | null;
};
/** A value with its name, or all columns of a source. */
export type Item = { readonly expression: Expression; readonly name: string } | { readonly all: string };
export type Ordering = { readonly by: Expression; readonly descending: boolean };
export type Select = {
  readonly kind: 'select';
  /** Null for `*`. */
  readonly items: readonly Item[] | null;
  readonly sources: readonly Source[];
  readonly where: Expression | null;
  readonly order: readonly Ordering[];
  readonly limit: Expression | null;
  readonly forUpdate: boolean;
};
export type Assignment = { readonly column: string; readonly value: Expression };
export type Insert = {
  readonly kind: 'insert';
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Expression[])[] | Select;
  readonly onDuplicate: readonly Assignment[] | null;
};
export type Update = {
  readonly kind: 'update';
  readonly table: string;
  readonly set: readonly Assignment[];
  readonly where: Expression | null;
  readonly order: readonly Ordering[];
  readonly limit: Expression | null;
};
export type Delete = { readonly kind: 'delete'; readonly table: string; readonly where: Expression | null };
export type Statement = Select | Insert | Update | Delete;

export function parseStatement(sql: string): Statement {
  const reader = new Reader(sql);
  const statement = readStatement(reader);
  if (!reader.atEnd) throw reader.unexpected('the end');
  return statement;
}

function readStatement(reader: Reader): Statement {
  if (reader.takes('insert', 'into')) return readInsert(reader);
  if (reader.takes('update')) {
    const table = reader.name();
    takeIndexHint(reader);
    reader.expect('set');
    return { kind: 'update', table, set: readAssignments(reader), ...readTail(reader) };
  }
  if (reader.takes('delete', 'from')) {
    const table = reader.name();
    return { kind: 'delete', table, where: readTail(reader).where };
  }
  return readSelect(reader);
}

/** Which index a statement goes by changes nothing here. */
function takeIndexHint(reader: Reader): void {
  if (reader.takes('force', 'index')) reader.inParentheses(() => reader.name());
}

const readTail = (reader: Reader): Pick<Select, 'where' | 'order' | 'limit'> => ({
  where: reader.takes('where') ? readExpression(reader) : null,
  order: reader.takes('order', 'by')
    ? reader.list(() => {
        const by = readExpression(reader);
        const descending = reader.takes('desc');
        if (!descending) reader.takes('asc');
        return { by, descending };
      })
    : [],
  limit: reader.takes('limit') ? readTerm(reader) : null,
});

function readAssignments(reader: Reader): Assignment[] {
  return reader.list(() => {
    const column = reader.name();
    reader.expect('=');
    return { column, value: readExpression(reader) };
  });
}

function readInsert(reader: Reader): Insert {
  const table = reader.name();
  const columns = reader.inParentheses(() => reader.list(() => reader.name()));
  const rows = reader.takes('values')
    ? reader.list(() => reader.inParentheses(() => reader.list(() => readExpression(reader))))
    : readSelect(reader);
  const onDuplicate = reader.takes('on', 'duplicate', 'key', 'update') ? readAssignments(reader) : null;
  return { kind: 'insert', table, columns, rows, onDuplicate };
}

export function readSelect(reader: Reader): Select {
  reader.expect('select');
  const items = reader.takes('*')
    ? null
    : reader.list((): Item => {
        const all = reader.takesAll();
        if (all !== null) return { all };
        const begin = reader.peek().text;
        const expression = readExpression(reader);
        const last = expression.kind === 'column' ? expression.name : begin;
        return { expression, name: reader.takes('as') ? reader.name() : last };
      });
  const sources = reader.takes('from') ? readSources(reader) : [];
  const tail = readTail(reader);
  return { kind: 'select', items, sources, ...tail, forUpdate: reader.takes('for', 'update') };
}

const endOfSource = new Set(['where', 'order', 'limit', 'for', 'join', 'left', 'inner', 'on', 'force', 'set', 'group']);

function readSources(reader: Reader): Source[] {
  const read = (): { table: string; alias: string } => {
    const table = reader.name();
    reader.takes('as');
    const token = reader.peek();
    const hasAlias = token.kind === 'name' || (token.kind === 'word' && !endOfSource.has(token.text));
    const alias = hasAlias ? reader.name() : table;
    takeIndexHint(reader);
    return { table, alias };
  };
  const sources: Source[] = [{ ...read(), join: null }];
  for (;;) {
    const left = reader.takes('left', 'join');
    if (!left && !reader.takes('inner', 'join') && !reader.takes('join')) return sources;
    const source = read();
    reader.expect('on');
    sources.push({ ...source, join: { left, on: readExpression(reader) } });
  }
}

const operation = (operator: string, ...operands: Expression[]): Expression => ({
  kind: 'operation',
  operator,
  operands,
});

/** An expression, from the loosest operator on. */
export function readExpression(reader: Reader): Expression {
  let left = readConjunction(reader);
  while (reader.takes('or')) left = operation('or', left, readConjunction(reader));
  return left;
}
function readConjunction(reader: Reader): Expression {
  let left = readNegation(reader);
  while (reader.takes('and')) left = operation('and', left, readNegation(reader));
  return left;
}
const readNegation = (reader: Reader): Expression =>
  reader.takes('not') ? operation('not', readNegation(reader)) : readComparison(reader);

function readComparison(reader: Reader): Expression {
  const left = readSum(reader);
  if (reader.takes('is')) {
    const negated = reader.takes('not');
    reader.expect('null');
    return operation(negated ? 'is not null' : 'is null', left);
  }
  const negated = reader.takes('not');
  if (reader.takes('in'))
    return {
      kind: 'in',
      of: left,
      list: reader.inParentheses(() => reader.list(() => readExpression(reader))),
      negated,
    };
  if (reader.takes('between')) {
    const low = readSum(reader);
    reader.expect('and');
    return operation('and', operation('>=', left, low), operation('<=', left, readSum(reader)));
  }
  if (negated) throw reader.unexpected('in');
  for (const operator of ['=', '<>', '<=', '>=', '<', '>'])
    if (reader.takes(operator)) return operation(operator, left, readSum(reader));
  return left;
}
function readSum(reader: Reader): Expression {
  let left = readProduct(reader);
  for (;;) {
    if (reader.takes('+')) left = operation('+', left, readProduct(reader));
    else if (reader.takes('-')) left = operation('-', left, readProduct(reader));
    else return left;
  }
}
function readProduct(reader: Reader): Expression {
  let left = readTerm(reader);
  while (reader.takes('*')) left = operation('*', left, readTerm(reader));
  return left;
}

const unitMs: Readonly<Record<string, number>> = { second: 1_000, hour: 3_600_000, day: 86_400_000 };

function readTerm(reader: Reader): Expression {
  if (reader.sees('(', 'select'))
    return { kind: 'query', select: reader.inParentheses(() => readSelect(reader)), exists: false };
  if (reader.sees('(')) return reader.inParentheses(() => readExpression(reader));
  if (reader.takes('exists'))
    return { kind: 'query', select: reader.inParentheses(() => readSelect(reader)), exists: true };
  if (reader.takes('null')) return { kind: 'value', value: null };
  if (reader.takes('true')) return { kind: 'value', value: 1 };
  if (reader.takes('false')) return { kind: 'value', value: 0 };
  if (reader.takes('case')) return readCase(reader);
  if (reader.takes('interval')) {
    const count = readTerm(reader);
    const unit = reader.name();
    if (unitMs[unit] === undefined) throw reader.unexpected('a unit');
    return operation('*', count, { kind: 'value', value: unitMs[unit] });
  }
  const token = reader.next();
  if (token.kind === 'number') return { kind: 'value', value: Number(token.text) };
  if (token.kind === 'text') return { kind: 'value', value: token.text };
  if (token.text === '?') return { kind: 'parameter', index: reader.parameters++ };
  if (token.text === '-') return operation('-', { kind: 'value', value: 0 }, readTerm(reader));
  if (token.kind !== 'word' && token.kind !== 'name') throw reader.unexpected('a term');
  if (reader.takes('.')) return { kind: 'column', table: token.text, name: reader.name() };
  if (!reader.sees('(')) return { kind: 'column', table: null, name: token.text };
  reader.expect('(');
  if (reader.takes(')')) return { kind: 'call', name: token.text, operands: [] };
  const operands = reader.list(() => readExpression(reader));
  reader.expect(')');
  return { kind: 'call', name: token.text, operands };
}

function readCase(reader: Reader): Expression {
  const of = reader.sees('when') ? null : readExpression(reader);
  const when: [Expression, Expression][] = [];
  while (reader.takes('when')) {
    const condition = readExpression(reader);
    reader.expect('then');
    when.push([condition, readExpression(reader)]);
  }
  const otherwise: Expression = reader.takes('else') ? readExpression(reader) : { kind: 'value', value: null };
  reader.expect('end');
  return { kind: 'case', of, when, otherwise };
}
