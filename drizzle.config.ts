import { defineConfig } from 'drizzle-kit';

// `npm run migrations -- NAME` writes SQL from what has changed in the areas' schemas. What it cannot say (partitions)
// stands in libs/store/migrations/by-hand, whose journal is written by hand as well.
export default defineConfig({
  dialect: 'postgresql',
  schema: ['./libs/store/src/sluice-schema.ts', './libs/store/src/*/schema.ts'],
  out: './libs/store/migrations/generated',
});
