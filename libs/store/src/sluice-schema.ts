import { pgSchema } from 'drizzle-orm/pg-core';

/** Of all our tables. */
export const sluice = pgSchema('sluice');
