// One classic script and one style sheet with the fonts inside: the page is opened from a file, where modules are refused.
import { defineConfig } from 'vite';

export default defineConfig({
  define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}' },
  esbuild: { jsx: 'automatic' },
  build: {
    lib: { entry: 'src/main.jsx', formats: ['iife'], name: 'pictures', fileName: () => 'page.js', cssFileName: 'page' },
    chunkSizeWarningLimit: 8000,
    rollupOptions: {
      // Marks of server components mean nothing here.
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
    },
  },
  logLevel: 'warn',
});
