import type { FastifyReply, FastifyRequest } from 'fastify'

/** The cookie's text, `undefined` where the browser sent none of this name. */
export function cookieOf(request: FastifyRequest, name: string): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** Lets the browser keep a cookie that only the shop reads. The value must not need escaping. */
export function keepCookie(reply: FastifyReply, { name, value, seconds }: { name: string; value: string; seconds: number }): void {
  reply.header('set-cookie', `${name}=${value}; Max-Age=${seconds}; Path=/; HttpOnly; SameSite=Lax`)
}
