/** A token of an SQL text. Words and keywords come in lower case; what stood in backticks is a `name`. */
export type Token = { readonly kind: 'word' | 'name' | 'number' | 'text' | 'mark' | 'end'; readonly text: string };

const pattern =
  /\s+|(?<word>[A-Za-z_][A-Za-z0-9_]*)|`(?<name>[^`]+)`|(?<number>\d+(?:\.\d+)?)|'(?<text>(?:[^']|'')*)'|(?<mark><=|>=|<>|[-+*/=<>(),.?])/gy;

/** Throws for what none of the platform's statements has. */
export function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < sql.length) {
    const at = pattern.lastIndex;
    const groups = pattern.exec(sql)?.groups;
    if (!groups) throw new Error(`the simulation's database can't read ${JSON.stringify(sql.slice(at, at + 40))}`);
    for (const kind of ['word', 'name', 'number', 'text', 'mark'] as const) {
      const text = groups[kind];
      if (text !== undefined)
        tokens.push({ kind, text: kind === 'word' ? text.toLowerCase() : text.replaceAll("''", "'") });
    }
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}

/** Reads tokens one after another. */
export class Reader {
  readonly sql: string;
  readonly #tokens: readonly Token[];
  #position = 0;
  /** Parameter marks so far. */
  parameters = 0;

  constructor(sql: string) {
    this.sql = sql;
    this.#tokens = tokensOf(sql);
  }
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#position + ahead, this.#tokens.length - 1)] as Token;
  }
  next(): Token {
    const token = this.peek();
    this.#position += 1;
    return token;
  }
  /** True when the next tokens are these words or marks. */
  sees(...words: readonly string[]): boolean {
    return words.every((word, index) => {
      const token = this.peek(index);
      return token.text === word && (token.kind === 'word' || token.kind === 'mark');
    });
  }
  /** Takes these words or marks if they are next. */
  takes(...words: readonly string[]): boolean {
    if (!this.sees(...words)) return false;
    this.#position += words.length;
    return true;
  }
  expect(...words: readonly string[]): void {
    if (!this.takes(...words)) throw this.unexpected(words.join(' '));
  }
  name(): string {
    const token = this.next();
    if (token.kind !== 'word' && token.kind !== 'name') throw this.unexpected('a name');
    return token.text;
  }
  /** The source whose columns the next tokens stand for, as in `payment.*`; null where they are something else. */
  takesAll(): string | null {
    const { kind, text } = this.peek();
    const isAll = (kind === 'word' || kind === 'name') && this.peek(1).text === '.' && this.peek(2).text === '*';
    if (!isAll) return null;
    this.#position += 3;
    return text;
  }
  /** What `read` reads, once or more with commas between. */
  list<T>(read: () => T): T[] {
    const items = [read()];
    while (this.takes(',')) items.push(read());
    return items;
  }
  inParentheses<T>(read: () => T): T {
    this.expect('(');
    const result = read();
    this.expect(')');
    return result;
  }
  get atEnd(): boolean {
    return this.peek().kind === 'end';
  }
  unexpected(wanted: string): Error {
    return new Error(
      `the simulation's database expects ${wanted} at ${JSON.stringify(this.peek().text)} in: ${this.sql}`,
    );
  }
}
