import { defineConfig } from 'vitest/config';

// Only the leaves are tested here; what needs a browser is in e2e.
export default defineConfig({ test: { include: ['src/**/*.test.ts'] } });
