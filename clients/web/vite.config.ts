import { defineConfig } from 'vite';

// During development the Go server is asked for everything that is not a page; NEOCHAT names it.
const server = process.env.NEOCHAT ?? 'http://127.0.0.1:8080';

export default defineConfig({
  build: { target: 'es2022', assetsInlineLimit: 0 },
  server: {
    proxy: {
      '/session': server,
      '/reach': server,
      '/files': server,
      '/message': { target: server, ws: true },
      '/file': { target: server, ws: true },
    },
  },
});
