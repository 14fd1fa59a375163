import { shapeOfObject } from './complete.ts';
import { getOwn } from './own.ts';
import type { FieldShape, ObjectShape, ValueShape } from './shape.ts';
import { type JsonObject, type ResponsePath, isJsonObject } from './types.ts';

/**
 * The path of an error as far as the client's operation goes. Subgraphs are also asked for keys, for required fields,
 * and for fields of types that an object turns out not to have: an error there is one of the object around.
 */
export function clipPath(shape: ObjectShape, root: JsonObject, path: ResponsePath): ResponsePath {
  let at: { shape: ObjectShape; source: JsonObject } | null = { shape, source: root };
  let value: unknown;
  let valueShape: ValueShape | null = null;
  for (const [depth, element] of path.entries()) {
    if (typeof element === 'number') {
      valueShape = valueShape && elementShape(valueShape);
      value = Array.isArray(value) ? value[element] : undefined;
    } else {
      if (!at) return path;
      const field: FieldShape | undefined = at.shape.fields.find(({ key }) => key === element);
      if (!field) return path.slice(0, depth);
      if (field.kind !== 'data') return path;
      value = getOwn(at.source, field.source);
      valueShape = field.value;
    }
    at = valueShape && objectAt(valueShape, value);
  }
  return path;
}

/** Whether there is null at the path of an answer, or around it. */
export function isNullAt(data: unknown, path: ResponsePath): boolean {
  let value = data;
  for (const element of path) {
    if (value === null || value === undefined) break;
    value = Array.isArray(value) ? value[Number(element)] : isJsonObject(value) ? getOwn(value, String(element)) : null;
  }
  return value === null || value === undefined;
}

function elementShape(shape: ValueShape): ValueShape | null {
  if (shape.kind === 'nonNull') return elementShape(shape.of);
  return shape.kind === 'list' ? shape.of : null;
}

/** The object at a place; of a null one only what its static type says is known. */
function objectAt(shape: ValueShape, value: unknown): { shape: ObjectShape; source: JsonObject } | null {
  if (shape.kind === 'nonNull') return objectAt(shape.of, value);
  if (shape.kind !== 'object') return null;
  const source = isJsonObject(value) ? value : {};
  const found = shape.selection.only ?? (isJsonObject(value) ? shapeOfObject(shape.selection, source) : null);
  return found && { shape: found, source };
}
