import { useEffect, useState } from 'react';
import { serverNow } from '../api.ts';
import { formatTimeLeft } from '../format.ts';
import { t } from '../language/catalogue.ts';

const tickMs = 250;
const urgentMs = 60_000;
/** Told to screen readers; every second would be noise. */
const announcedSeconds = [600, 300, 120, 60, 30, 10];

/** Time left to pay, by the server's clock. Calls `onEnd` once when it is over. */
export function Countdown({ expiresAt, onEnd }: { expiresAt: string; onEnd: () => void }) {
  const [leftMs, setLeftMs] = useState(() => Date.parse(expiresAt) - serverNow());
  const over = leftMs <= 0;

  useEffect(() => {
    const tick = () => setLeftMs(Date.parse(expiresAt) - serverNow());
    tick();
    const timer = setInterval(tick, tickMs);
    return () => clearInterval(timer);
  }, [expiresAt]);

  useEffect(() => {
    if (over) onEnd();
  }, [over, onEnd]);

  const seconds = Math.ceil(leftMs / 1000);
  const announced = announcedSeconds.findLast((mark) => seconds <= mark);
  return (
    <div className={`countdown ${leftMs < urgentMs ? 'urgent' : ''}`}>
      <span className="muted small">{over ? t().pay.timeIsUp : t().pay.timeLeft}</span>
      <time role="timer" aria-live="off" dateTime={expiresAt}>
        {formatTimeLeft(leftMs)}
      </time>
      <span className="hidden-visually" aria-live="polite">
        {over ? t().pay.timeToPayIsUp : announced !== undefined && t().pay.lessThan(spoken(announced))}
      </span>
    </div>
  );
}

const spoken = (seconds: number): string =>
  seconds > 60 ? t().pay.minutes(seconds / 60) : seconds === 60 ? t().pay.oneMinute : t().pay.seconds(seconds);
