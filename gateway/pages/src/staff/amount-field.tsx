import { type TextFieldProps, TextField } from '../ui/text-field.tsx';
import { amountHint, minorOf, numberOf } from './rules/numbers.ts';

/** An amount of a currency. What is none is told at the field, and the form is not sent. */
export const AmountField = ({
  currency,
  least = 0,
  ...field
}: TextFieldProps & { currency: string; least?: number }) => {
  const minor = minorOf(field.value, currency);
  const isWrong = field.value.trim() !== '' && (minor === null || minor < least);
  return <TextField inputMode="decimal" wrong={isWrong ? amountHint(currency) : null} {...field} />;
};

/** A whole number. */
export const NumberField = (field: TextFieldProps) => {
  const isWrong = field.value.trim() !== '' && numberOf(field.value) === null;
  return <TextField inputMode="numeric" wrong={isWrong ? 'Type a whole number, in digits alone.' : null} {...field} />;
};
