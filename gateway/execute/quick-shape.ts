import type { ObjectShape } from './shape.ts';
import type { JsonObject } from './types.ts';

/** Shapes an answer without any irregularity; undefined when there is one, which is for `Complete` to sort out. */
export type QuickShape = (root: JsonObject) => JsonObject | undefined;

export const compileQuickShape = (_: ObjectShape): QuickShape | null => null;
