/** The channel of live notices that a person was told something. */
export const notificationChannel = (userId: string): string => `notifications:${userId}`;

/** The channel by which a process that only answers requests wakes the one that sends. */
export const workChannel = 'user-work';
