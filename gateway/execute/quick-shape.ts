import { type AnswerSize, addValue, checkSize } from '../../subgraphs/shared/answers/answer-size.ts';
import { type GraphQLLeafType, isEnumType, isSpecifiedScalarType } from 'graphql';
import { bytesOf, shapeOfObject } from './complete.ts';
import { completeLeaf } from './leaves.ts';
import { isInherited } from './own.ts';
import type { FieldShape, ObjectShape, SelectionShape, ValueShape } from './shape.ts';
import type { JsonObject } from './types.ts';

/**
 * Shapes an answer without any irregularity; undefined when there is one, which is for `Complete` to sort out. Counts in
 * `size` what it shapes, and throws ANSWER_TOO_LARGE.
 */
export type QuickShape = (root: JsonObject, size: AnswerSize) => JsonObject | undefined;

type Build = (source: JsonObject, size: AnswerSize) => JsonObject;

/** Thrown where a value isn't as it should be; never leaves this file. */
const irregular = new Error('irregular');

/**
 * Generates one function for each object shape that is met: an object literal whose values were checked on the way, which
 * V8 builds several times as fast as any loop over fields. Only names of the schema and response names of a valid
 * document get into the code, all as string literals.
 */
export function compileQuickShape(shape: ObjectShape): QuickShape {
  const build = lazyBuild(shape);
  return (root, size) => {
    try {
      return build(root, size);
    } catch (error) {
      if (error === irregular) return undefined;
      throw error;
    }
  };
}

/** Generated when first called: an answer may never have what an operation asks for. */
function lazyBuild(shape: ObjectShape): Build {
  let build: Build | undefined;
  return (source, size) => (build ??= generateBuild(shape))(source, size);
}

type Code = {
  /** What the generated function refers to, by index. */
  readonly links: unknown[];
  variables: number;
};

function generateBuild(shape: ObjectShape): Build {
  const code: Code = { links: [irregular, checkSize, addValue], variables: 0 };
  const statements: string[] = [];
  const properties = shape.fields.map((field) => {
    const { text, value } = fieldCode(code, shape, field);
    statements.push(text);
    return `${field.key === '__proto__' ? '["__proto__"]' : literal(field.key)}: ${value}`;
  });
  const parameters = code.links.map((_, index) => `l${index}`);
  const counted = `c.values += ${shape.fields.length}; c.bytes += ${bytesOf(shape)}; l1(c);`;
  const body = `'use strict'; return function (s, c) { ${counted} ${statements.join('\n')}\nreturn { ${properties.join(', ')} }; };`;
  // oxlint-disable-next-line typescript/no-implied-eval
  const make = new Function(...parameters, body) as (...links: unknown[]) => Build;
  return make(...code.links);
}

/** Safe in any JavaScript, for any text. */
const literal = (text: string): string =>
  JSON.stringify(text)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);

function link(code: Code, value: unknown): string {
  code.links.push(value);
  return `l${code.links.length - 1}`;
}

function fieldCode(code: Code, shape: ObjectShape, field: FieldShape): { text: string; value: string } {
  if (field.kind === 'introspection' || (field.kind === 'typename' && !shape.isConcrete))
    return { text: 'throw l0;', value: 'null' };
  if (field.kind === 'typename') return { text: '', value: literal(shape.typename) };
  const variable = `v${code.variables++}`;
  const name = literal(field.source);
  const read = isInherited(field.source) ? `Object.hasOwn(s, ${name}) ? s[${name}] : undefined` : `s[${name}]`;
  return { text: `let ${variable} = ${read}; ${valueCode(code, field.value, variable)}`, value: variable };
}

/** Statements that complete the value of a variable in place. */
function valueCode(code: Code, shape: ValueShape, variable: string): string {
  if (shape.kind === 'nonNull') return presentCode(code, shape.of, variable, 'throw l0;');
  return presentCode(code, shape, variable, `if (${variable} === undefined || ${variable} === null) ${variable} = null; else throw l0;`); // prettier-ignore
}

function presentCode(code: Code, shape: ValueShape, variable: string, otherwise: string): string {
  switch (shape.kind) {
    case 'nonNull':
      return presentCode(code, shape.of, variable, 'throw l0;');
    case 'list': {
      const [list, element, index] = [`o${code.variables}`, `v${code.variables++}`, `i${code.variables++}`];
      const inner = valueCode(code, shape.of, element);
      return `if (Array.isArray(${variable})) { const ${list} = []; c.values += ${variable}.length; for (let ${index} = 0; ${index} < ${variable}.length; ${index}++) { let ${element} = ${variable}[${index}]; ${inner} ${list}.push(${element}); } ${variable} = ${list}; } else { ${otherwise} }`;
    }
    case 'object': {
      const build = link(code, buildOf(shape.selection));
      return `if (typeof ${variable} === 'object' && ${variable} !== null && !Array.isArray(${variable})) ${variable} = ${build}(${variable}, c); else { ${otherwise} }`;
    }
    case 'leaf':
      return leafCode(code, shape.type, variable, otherwise);
  }
}

function buildOf(selection: SelectionShape): Build {
  if (selection.only) return lazyBuild(selection.only);
  const builds = new Map<ObjectShape, Build>();
  return (source, size) => {
    const shape = shapeOfObject(selection, source);
    if (!shape) throw irregular;
    let build = builds.get(shape);
    if (!build) builds.set(shape, (build = generateBuild(shape)));
    return build(source, size);
  };
}

/** Values as they nearly always come pass by a comparison; the rest is for the type's own rules. */
function leafCode(code: Code, type: GraphQLLeafType, variable: string, otherwise: string): string {
  const test = leafTest(code, type, variable);
  if (test === null)
    return `if (${variable} === undefined || ${variable} === null) { ${otherwise} } else l2(c, ${variable});`;
  const complete = completeLeaf(type);
  const slow = link(code, (value: unknown) => {
    const result = complete(value);
    if (result === undefined) throw irregular;
    return result;
  });
  const counted = isText(type) ? `c.bytes += ${variable}.length; else` : '; else';
  return `if (${test}) ${counted} { if (${variable} === undefined || ${variable} === null) { ${otherwise} } else ${variable} = ${slow}(${variable}); }`;
}

/** Texts, whose length is counted with them. */
const isText = (type: GraphQLLeafType): boolean => !isEnumType(type) && (type.name === 'String' || type.name === 'ID');

function leafTest(code: Code, type: GraphQLLeafType, variable: string): string | null {
  if (isEnumType(type)) return `${link(code, new Set(type.getValues().map(({ name }) => name)))}.has(${variable})`;
  if (!isSpecifiedScalarType(type)) return null;
  switch (type.name) {
    case 'Int':
      return `(${variable} | 0) === ${variable}`;
    case 'Float':
      return `Number.isFinite(${variable})`;
    case 'Boolean':
      return `typeof ${variable} === 'boolean'`;
    default:
      return `typeof ${variable} === 'string'`;
  }
}
