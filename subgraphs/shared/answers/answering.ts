import { type AnswerLimits, defaultAnswerLimits } from './answer-size.ts';
import { type Turns, openTurns } from '../queues/turns.ts';

/** How a process makes its answers: how large they may be, and in which turns the large ones are made. */
export type Answering = { readonly limits: AnswerLimits; readonly turns: Turns };

/** One for each process, so that all that is large there takes turns. */
export const openAnswering = (limits: AnswerLimits = defaultAnswerLimits): Answering => ({
  limits,
  turns: openTurns(),
});
