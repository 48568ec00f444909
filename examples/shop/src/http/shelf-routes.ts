import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { shelfSize } from '../books/book.js'
import type { Catalogue } from '../catalogue/catalogue.js'
import { noSuchBook, served, written } from './answers.js'
import { cookieOf, keepCookie } from './cookies.js'
import { problem } from './problems.js'
import { bookParams } from './schemas.js'

interface OneBook {
  Params: { id: string }
}

/** The shop has no accounts: a random name in a cookie stands for a customer. */
const cookie = 'customer'
const keptSeconds = 365 * 24 * 60 * 60
const nameForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What the customer who asks has put aside. */
export function shelfRoutes(app: FastifyInstance, catalogue: Catalogue): void {
  app.get('/api/shelf', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const customer = customerOf(request)
    if (customer === undefined) return { books: [] }
    const shelf = served(reply, await catalogue.shelf(customer))
    const books = await catalogue.books([...shelf.keys()])
    return { books: books.map((book) => ({ ...book, since: shelf.get(book.id) })) }
  })

  app.put<OneBook>('/api/shelf/:id', { schema: { params: bookParams } }, async (request, reply) => {
    const { id } = request.params
    if (!(await catalogue.book(id)).value) return noSuchBook(reply, id)
    const customer = customerOf(request) ?? newCustomer(reply)
    const { value: shelf } = await catalogue.shelf(customer)
    if (!shelf.has(id) && shelf.size >= shelfSize) return problem(reply, 409, 'Conflict', `The shelf is full: it takes ${shelfSize} books.`)
    const { state } = await catalogue.putOnShelf(customer, id)
    return written(reply, state).code(204).send()
  })

  app.delete<OneBook>('/api/shelf/:id', { schema: { params: bookParams } }, async (request, reply) => {
    const customer = customerOf(request)
    if (customer === undefined) return reply.code(204).send()
    const { state } = await catalogue.takeFromShelf(customer, request.params.id)
    return written(reply, state).code(204).send()
  })
}

function customerOf(request: FastifyRequest): string | undefined {
  const name = cookieOf(request, cookie)
  return name !== undefined && nameForm.test(name) ? name : undefined
}

function newCustomer(reply: FastifyReply): string {
  const value = randomUUID()
  keepCookie(reply, { name: cookie, value, seconds: keptSeconds })
  return value
}
