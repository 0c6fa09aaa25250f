import { defineConfig } from 'vite';

// During development the Go server is asked for everything that is not a page; NEOCHAT names it.
const server = process.env.NEOCHAT ?? 'http://127.0.0.1:8080';

export default defineConfig({
  // As its authors wrote it: what the package offers by default is translated for browsers of 2015, and twice as long.
  resolve: { alias: { 'tus-js-client': 'tus-js-client/lib/browser/index.js' } },
  build: { target: 'es2022', assetsInlineLimit: 0 },
  server: {
    proxy: {
      '/session': server,
      '/reach': server,
      '/files': server,
      '/uploads': server,
      '/message': { target: server, ws: true },
    },
  },
});
