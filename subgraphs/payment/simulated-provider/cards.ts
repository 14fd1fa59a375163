/** What comes of a card. `action`: it needs one more confirmation by its holder. `invalid`: no card number at all. */
export type CardAnswer =
  | { readonly type: 'succeeded' }
  | { readonly type: 'action' }
  | { readonly type: 'declined' | 'invalid'; readonly code: string; readonly message: string };

/** The one card whose holder is asked once more. */
export const authenticatedCard = '4000002760003184';

const declined = (code: string, message: string): CardAnswer => ({ type: 'declined', code, message });

/** The sum over Luhn's doubled digits ends in 0 (ISO/IEC 7812-1). */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (const [index, character] of digits.split('').toReversed().entries()) {
    const digit = Number(character) * (index % 2 === 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

/** Test cards as at Stripe (https://docs.stripe.com/testing). `authentication` is the holder's answer to the second question. */
export function answerCard(card: string, authentication: 'confirmed' | 'failed' | undefined): CardAnswer {
  const digits = card.replaceAll(/[ -]/g, '');
  if (!/^\d{12,19}$/.test(digits) || !passesLuhn(digits)) {
    return { type: 'invalid', code: 'invalid_number', message: 'The card number is not a valid one.' };
  }
  switch (digits) {
    case '4242424242424242':
      return { type: 'succeeded' };
    case '4000000000000002':
      return declined('card_declined', 'The card was declined.');
    case '4000000000009995':
      return declined('insufficient_funds', 'The card has insufficient funds.');
    case authenticatedCard:
      if (authentication === undefined) return { type: 'action' };
      return authentication === 'confirmed'
        ? { type: 'succeeded' }
        : declined('authentication_failed', 'The card holder did not confirm the payment.');
    default:
      return declined('card_declined', 'The card was declined: it is none of the test cards.');
  }
}
