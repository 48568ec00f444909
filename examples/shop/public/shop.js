/** The page of the bookshop: asks the API, and shows beside each answer what served it and how long it took. */

const statsEveryMs = 2000
const typingPauseMs = 250
const messageMs = 6000
const logLength = 30

const one = (selector) => document.querySelector(selector)
const state = { page: 1, bookId: undefined, lists: 0 }

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  node.append(...children)
  return node
}

/* ---- asking ---- */

async function ask(method, path, body) {
  const startMs = performance.now()
  const response = await fetch(path, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  const answer = {
    ok: response.ok,
    status: response.status,
    value: text === '' ? undefined : JSON.parse(text),
    servedBy: response.headers.get('x-cache') ?? undefined,
    told: response.headers.get('x-cache-write') ?? undefined,
    ageSeconds: Number(response.headers.get('age') ?? 0),
    shopMs: Number(/dur=([\d.]+)/.exec(response.headers.get('server-timing') ?? '')?.[1] ?? 0),
    tookMs: performance.now() - startMs,
  }
  log(method, path, answer)
  return answer
}

const tier = (answer) => {
  const name = answer.servedBy ?? (answer.told ? 'written' : String(answer.status))
  return element('span', { class: 'tier', 'data-tier': name }, name)
}
const times = ({ shopMs, tookMs }) => `${shopMs.toFixed(1)} ms in the shop, ${tookMs.toFixed(1)} ms to here`

function showAnswer(place, answer) {
  const age = answer.ageSeconds > 0 ? `, ${answer.ageSeconds} s old` : ''
  const told = answer.told && (answer.told === 'acknowledged' ? ' all caches told,' : ' queued until Redis is back,')
  one(place).replaceChildren(tier(answer), `${told ?? ''} ${times(answer)}${age}`)
}

function log(method, path, answer) {
  const entry = element('li', {}, tier(answer))
  entry.append(element('span', { class: 'path', title: `${method} ${path}` }, `${method} ${decodeURIComponent(path)}`))
  entry.append(element('span', { class: 'took' }, `${answer.shopMs.toFixed(1)} ms`))
  one('#log').prepend(entry)
  while (one('#log').children.length > logLength) one('#log').lastChild.remove()
}

let messageTimer
function say(text) {
  one('#message').textContent = text
  clearTimeout(messageTimer)
  messageTimer = setTimeout(() => one('#message').replaceChildren(), messageMs)
}

/** Runs what a customer asked for, and tells of a refusal or a shop that does not answer. */
async function attempt(act) {
  try {
    await act()
  } catch (error) {
    say(error instanceof TypeError ? 'The shop does not answer. Is it still running?' : error.message)
  }
  await showStats()
}

function accepted(answer) {
  if (!answer.ok) throw new Error(answer.value?.detail ?? `The shop answered ${answer.status}.`)
  return answer.value
}

/* ---- the list ---- */

async function showList() {
  const turn = ++state.lists
  const filled = [...new FormData(one('#search'))].filter(([, value]) => value.trim() !== '')
  const query = new URLSearchParams([...filled, ['page', String(state.page)]])
  const answer = await ask('GET', `/api/books?${query}`)
  if (turn !== state.lists) return // a later question has overtaken this one
  const { books, total, page, pages } = accepted(answer)
  showAnswer('#list-answer', answer)
  one('#list').replaceChildren(...books.map(listItem))
  one('#pages').textContent = total === 0 ? 'No such books' : `${total} books, page ${page} of ${pages}`
  one('#previous').disabled = page <= 1
  one('#next').disabled = page >= pages
}

function listItem({ id, title, author, year }) {
  const button = element('button', { type: 'button', 'data-id': id, 'aria-current': String(id === state.bookId) })
  button.append(element('span', { class: 'title' }, title), element('span', { class: 'author' }, author))
  button.append(element('span', { class: 'year' }, yearText(year)))
  return element('li', {}, button)
}

const yearText = (year) => (year < 0 ? `${-year} BC` : String(year))

function turnTo(page) {
  state.page = page
  return attempt(showList)
}

/* ---- one book ---- */

async function showBook(id) {
  state.bookId = id
  for (const button of document.querySelectorAll('#list button')) button.setAttribute('aria-current', String(button.dataset.id === id))
  const answer = await ask('GET', `/api/books/${id}`)
  const book = accepted(answer)
  one('#book-title').textContent = book.title
  one('#book-facts').textContent = `${book.author}, ${yearText(book.year)}`
  showAnswer('#book-answer', answer)
  for (const name of ['title', 'author', 'year']) one('#edit').elements[name].value = book[name]
  one('#edit-answer').replaceChildren()
  one('#book-actions').hidden = false
  showWishes(await ask('GET', `/api/books/${id}/wishlist`))
}

function showWishes(answer) {
  const { wishes } = accepted(answer)
  one('#wishes').textContent = wishes === 1 ? 'One customer wishes for it.' : `${wishes} customers wish for it.`
  showAnswer('#wish-answer', answer)
}

function noBook(text) {
  state.bookId = undefined
  one('#book-title').textContent = 'No book chosen'
  one('#book-facts').textContent = text
  one('#book-answer').replaceChildren()
  one('#book-actions').hidden = true
}

function factsOf(form) {
  const { title, author, year } = Object.fromEntries(new FormData(form))
  return { title, author, year: Number(year) }
}

/* ---- the caches ---- */

async function showStats() {
  if (document.hidden) return
  const response = await fetch('/cache/stats').catch(() => undefined) // the shop is away; the next round asks again
  if (!response?.ok) return
  const { caches } = await response.json()
  one('#stats').replaceChildren(...Object.entries(caches).map(statsRow))
}

function statsRow([name, { hits, hitRatio, loads, writes, memory }]) {
  const ratio = `${(100 * hitRatio).toFixed(0)} %`
  const meter = element('meter', { min: 0, max: 1, value: hitRatio, 'aria-label': `Hit ratio of ${name}` }, ratio)
  const cells = [ratio, meter, hits.memory, hits.redis, loads, writes, memory.entries]
  return element('tr', {}, element('th', { scope: 'row' }, name), ...cells.map((cell) => element('td', {}, cell)))
}

/* ---- what customers do ---- */

one('#search').addEventListener('submit', (event) => {
  event.preventDefault()
  void turnTo(1)
})

let typingTimer
one('#search').addEventListener('input', () => {
  clearTimeout(typingTimer)
  typingTimer = setTimeout(() => one('#search').checkValidity() && turnTo(1), typingPauseMs)
})
one('#search').addEventListener('reset', () => setTimeout(() => turnTo(1)))
one('#previous').addEventListener('click', () => turnTo(state.page - 1))
one('#next').addEventListener('click', () => turnTo(state.page + 1))

one('#list').addEventListener('click', (event) => {
  const id = event.target.closest('button')?.dataset.id
  if (id === undefined) return
  void attempt(async () => {
    await showBook(id)
    one('#book-title').focus() // brings the book into view where it is below the list
  })
})

one('#again').addEventListener('click', () => attempt(() => showBook(state.bookId)))

one('#wish').addEventListener('click', () => attempt(async () => showWishes(await ask('POST', `/api/books/${state.bookId}/wishlist`))))

one('#edit').addEventListener('submit', (event) => {
  event.preventDefault()
  void attempt(async () => {
    const answer = await ask('PATCH', `/api/books/${state.bookId}`, factsOf(event.target))
    accepted(answer)
    await showBook(state.bookId)
    showAnswer('#edit-answer', answer)
    await showList()
    say('Saved. The book and the lists it belongs to were loaded anew; all other entries stayed.')
  })
})

one('#remove').addEventListener('click', () => {
  if (!confirm('Delete this book from the shop?')) return
  void attempt(async () => {
    const answer = await ask('DELETE', `/api/books/${state.bookId}`)
    accepted(answer)
    noBook('It was deleted.')
    await showList()
  })
})

one('#create').addEventListener('submit', (event) => {
  event.preventDefault()
  void attempt(async () => {
    const { id } = accepted(await ask('POST', '/api/books', factsOf(event.target)))
    event.target.reset()
    await showBook(id)
    await showList()
    say('Added.')
  })
})

setInterval(showStats, statsEveryMs)
document.addEventListener('visibilitychange', showStats)
void attempt(showList)
