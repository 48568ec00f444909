import type { FastifyInstance } from 'fastify'
import { type BookChanges, type BookFacts, type BookQuery, fold, idOfTitle } from '../books/book.js'
import type { Catalogue } from '../catalogue/catalogue.js'
import type { PrintedBy } from '../catalogue/printed-catalogue.js'
import { noSuchBook, served, written } from './answers.js'
import { problem } from './problems.js'
import { authorParams, bookChanges, bookParams, listQuery, newBook, printQuery } from './schemas.js'

interface OneBook {
  Params: { id: string }
}
interface ListQuery {
  Querystring: { q?: string; author?: string; year?: string; page?: string }
}

/** The catalogue over HTTP. Reads say in `x-cache` what served them, writes in `x-cache-write` what became of the copies. */
export function bookRoutes(app: FastifyInstance, catalogue: Catalogue): void {
  app.get<ListQuery>('/api/books', { schema: { querystring: listQuery } }, async (request, reply) => {
    const { list, books } = await catalogue.list(canonicalQuery(request.query))
    const { total, page, pages } = served(reply, list)
    return { books, total, page, pages }
  })

  app.get<OneBook>('/api/books/:id', { schema: { params: bookParams } }, async (request, reply) => {
    const book = served(reply, await catalogue.book(request.params.id))
    if (!book) return noSuchBook(reply, request.params.id)
    reply.header('last-modified', book.changedAt.toUTCString())
    return book
  })

  app.get<{ Params: { name: string } }>('/api/authors/:name', { schema: { params: authorParams } }, async (request, reply) => {
    const author = served(reply, await catalogue.author(request.params.name))
    if (!author) return problem(reply, 404, 'Not Found', `There is no author "${request.params.name}".`)
    return { ...author, decades: Object.fromEntries(author.decades) }
  })

  app.get<{ Querystring: { by: PrintedBy } }>('/catalogue.txt', { schema: { querystring: printQuery } }, async (request, reply) => {
    return reply.type('text/plain; charset=utf-8').send(await catalogue.printed(request.query.by))
  })

  app.get<OneBook>('/api/books/:id/wishlist', { schema: { params: bookParams } }, async (request, reply) => {
    const { id } = request.params
    if (!(await catalogue.book(id)).value) return noSuchBook(reply, id)
    return { id, wishes: served(reply, await catalogue.wishes(id)) }
  })

  app.post<{ Body: BookFacts & { id?: string } }>('/api/books', { schema: { body: newBook } }, async (request, reply) => {
    const { id: wanted, ...facts } = request.body
    const id = wanted ?? idOfTitle(facts.title)
    if (id === '') return problem(reply, 400, 'Bad Request', 'No id can be made of this title; send an "id" too.')
    const created = await catalogue.create(id, trimmed(facts))
    if (created === 'exists') return problem(reply, 409, 'Conflict', `There is a book "${id}" already; send another "id".`)
    return written(reply, created.state).code(201).header('location', `/api/books/${id}`).send(created.book)
  })

  app.patch<OneBook & { Body: BookChanges }>(
    '/api/books/:id',
    { schema: { params: bookParams, body: bookChanges } },
    async (request, reply) => {
      const changed = await catalogue.change(request.params.id, trimmed(request.body))
      if (!changed) return noSuchBook(reply, request.params.id)
      return written(reply, changed.state).send(changed.book)
    },
  )

  app.delete<OneBook>('/api/books/:id', { schema: { params: bookParams } }, async (request, reply) => {
    const removed = await catalogue.remove(request.params.id)
    if (!removed) return noSuchBook(reply, request.params.id)
    return written(reply, removed.state).code(204).send()
  })

  app.post<OneBook>('/api/books/:id/wishlist', { schema: { params: bookParams } }, async (request, reply) => {
    const { id } = request.params
    if (!(await catalogue.book(id)).value) return noSuchBook(reply, id)
    const { state, wishes } = await catalogue.wish(id)
    return written(reply, state).send({ id, wishes })
  })
}

/** The one form of a question: `?author=JANE%20Austen&q=` asks what `?author=jane+austen` asks. */
function canonicalQuery({ q = '', author = '', year = '', page = '1' }: ListQuery['Querystring']): BookQuery {
  return {
    ...(fold(q) !== '' && { q: fold(q) }),
    ...(fold(author) !== '' && { author: fold(author) }),
    ...(year !== '' && { year: Number(year) }),
    page: Number(page),
  }
}

function trimmed<T extends BookChanges>(facts: T): T {
  return {
    ...facts,
    ...(facts.title !== undefined && { title: facts.title.trim() }),
    ...(facts.author !== undefined && { author: facts.author.trim() }),
  }
}
