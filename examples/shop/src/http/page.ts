import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'

const files = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/shop.css', file: 'shop.css', type: 'text/css; charset=utf-8' },
  { path: '/shop.js', file: 'shop.js', type: 'text/javascript; charset=utf-8' },
  { path: '/caches', file: 'caches.html', type: 'text/html; charset=utf-8' },
  { path: '/caches.js', file: 'caches.js', type: 'text/javascript; charset=utf-8' },
  { path: '/favicon.svg', file: 'favicon.svg', type: 'image/svg+xml' },
]

/** The pages at `/` and `/caches`: files without a build step, which may load nothing from anywhere else. */
export async function pageRoutes(app: FastifyInstance): Promise<void> {
  for (const { path, file, type } of files) {
    const content = await readFile(new URL(`../../public/${file}`, import.meta.url))
    app.get(path, (_request, reply) =>
      reply
        .type(type)
        .header('cache-control', 'no-cache')
        .header('content-security-policy', "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
        .send(content),
    )
  }
}
