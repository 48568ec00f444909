/** What requests may look like. Nothing is coerced and nothing silently dropped; every text and number has its bounds. */

const id = {
  type: 'string',
  pattern: '^[a-z0-9]+(-[a-z0-9]+)*$',
  maxLength: 80,
  description: 'lower-case words of letters and digits joined by hyphens, at most 80 characters',
}
const title = { type: 'string', pattern: '\\S', maxLength: 200, description: 'a text of 1 to 200 characters' }
const author = { type: 'string', pattern: '\\S', maxLength: 100, description: 'a text of 1 to 100 characters' }
const year = { type: 'integer', minimum: -3000, maximum: 2100, description: 'a whole number from -3000 to 2100' }

export const bookParams = { type: 'object', properties: { id }, required: ['id'] }

export const listQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    q: { type: 'string', maxLength: 64, description: 'one text of at most 64 characters' },
    author: { type: 'string', maxLength: 100, description: 'one text of at most 100 characters' },
    year: { type: 'string', pattern: '^(-?[0-9]{1,4})?$', description: 'a year such as 1813 or -750' },
    page: { type: 'string', pattern: '^[1-9][0-9]{0,2}$', description: 'a number from 1 to 999' },
  },
}

export const newBook = {
  type: 'object',
  description: 'a JSON object with title, author, year and perhaps an id',
  additionalProperties: false,
  required: ['title', 'author', 'year'],
  properties: { id, title, author, year },
}

export const bookChanges = {
  type: 'object',
  description: 'a JSON object with at least one of title, author and year',
  additionalProperties: false,
  minProperties: 1,
  properties: { title, author, year },
}

export const authorParams = { type: 'object', properties: { name: author }, required: ['name'] }

export const printQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { by: { enum: ['author', 'year'], default: 'author', description: 'author or year' } },
}

export const explainQuery = {
  type: 'object',
  additionalProperties: false,
  required: ['key'],
  properties: { key: { type: 'string', minLength: 1, maxLength: 1000, description: 'a key: a text, or a structure in JSON' } },
}

export const control = {
  type: 'object',
  description: 'a JSON object with mode and ramp, or one of them',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    mode: { enum: ['on', 'off', 'shadow'], description: 'on, off or shadow' },
    ramp: { type: 'integer', minimum: 0, maximum: 100, description: 'a whole number from 0 to 100' },
  },
}

export const forget = {
  type: 'object',
  description: 'a JSON object with the prefix of the keys',
  additionalProperties: false,
  required: ['prefix'],
  properties: { prefix: { type: 'string', minLength: 1, maxLength: 80, description: 'a text of 1 to 80 characters' } },
}
