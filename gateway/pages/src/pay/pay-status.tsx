import { Spinner } from '../ui/parts.tsx';
import type { PayStep } from './use-payment.ts';

/** How far paying has come, for the eye and for screen readers. */
export const PayStatus = ({ step }: { step: PayStep }) => (
  <>
    <div role="alert">
      {step.kind === 'declined' && (
        <p className="notice bad">
          <strong>The payment did not go through.</strong> {step.message} Nothing was charged: try again or use another
          card.
        </p>
      )}
      {step.kind === 'problem' && (
        <p className="notice bad">
          {step.message}
          {step.again && ' Pressing Pay again repeats the same request: you won’t be charged twice.'}
        </p>
      )}
    </div>
    <div role="status">
      {step.kind === 'waiting' && (
        <p className="notice wait loading">
          <Spinner />
          {step.long
            ? 'This takes longer than usual. You may close this page: the order goes on without it.'
            : 'Waiting for the payment to be confirmed…'}
        </p>
      )}
      {step.kind === 'confirm' && <p className="notice">Your bank wants you to confirm this payment.</p>}
    </div>
  </>
);
