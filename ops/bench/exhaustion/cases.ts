import { largeAnswers, refusedAnswers, splitAnswers } from './answers.ts';
import type { ExhaustionCase } from './case.ts';
import { forgedWebhooks, metrics, silentSockets } from './doors.ts';
import { registrations, unpaidOrders, wrongPasswords } from './people.ts';

/** Every case; add a file beside this one and name what it exports here. */
export const exhaustionCases: readonly ExhaustionCase[] = [
  refusedAnswers,
  largeAnswers,
  splitAnswers,
  metrics,
  silentSockets,
  forgedWebhooks,
  registrations,
  wrongPasswords,
  unpaidOrders,
];
