/** How the caches of one process are doing, and for staff: why a key is answered as it is. */

const statsEveryMs = 2000
const one = (selector) => document.querySelector(selector)

function row(name, cells) {
  const head = document.createElement('th')
  head.scope = 'row'
  head.textContent = name
  const tr = document.createElement('tr')
  tr.append(head, ...cells.map((text) => Object.assign(document.createElement('td'), { textContent: String(text) })))
  return tr
}

const msText = (ms) => (ms < 0.1 ? ms.toFixed(4) : ms.toFixed(1))
const latencyText = ({ count, p50Ms, p99Ms }) => (count === 0 ? '–' : `${msText(p50Ms)} / ${msText(p99Ms)} (${count})`)

function latencyRow([name, { latency }]) {
  return row(name, [latency.memoryHit, latency.redisHit, latency.load, latency.wait, latency.write].map(latencyText))
}

function countsRow([name, stats]) {
  const { control, hitRatio, stale, loadErrors, refusedFills, corrupt, monitor, memory } = stats
  const state = control.ramp === 100 ? control.mode : `${control.mode} for ${control.ramp} %`
  const differ = monitor ? `${monitor.mismatches} of ${monitor.samples}` : '–'
  const hits = `${(100 * hitRatio).toFixed(0)} %`
  return row(name, [state, hits, stale, loadErrors, refusedFills, corrupt, differ, Math.ceil(memory.bytes / 1024)])
}

async function showStats() {
  if (document.hidden) return
  const response = await fetch('/cache/stats').catch(() => undefined) // the shop is away; the next round asks again
  if (!response?.ok) return
  const { caches, shards, outbox, linkErrors, process } = await response.json()
  const redis = linkErrors.map(({ node, error }) => `Redis at ${node} cannot be used: ${error}.`)
  const unsent = outbox > 0 ? [`${outbox} invalidations wait to be sent.`] : []
  one('#health').textContent = [`It is ${process}; ${shards.proven} of ${shards.total} shards are proven.`, ...redis, ...unsent].join(' ')
  one('#latency').replaceChildren(...Object.entries(caches).map(latencyRow))
  one('#counts').replaceChildren(...Object.entries(caches).map(countsRow))
  const choice = one('#explain').elements.cache
  if (choice.length === 0) choice.append(...Object.keys(caches).map((name) => new Option(name)))
}

async function askAsStaff(path, body) {
  const { cache, token } = Object.fromEntries(new FormData(one('#explain')))
  const response = await fetch(`/admin/caches/${cache}/${path}`, {
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  }).catch(() => undefined)
  const answer = response ? await response.json() : { detail: 'The shop does not answer. Is it still running?' }
  one('#explanation').textContent = answer.detail ?? JSON.stringify(answer, undefined, 2)
  await showStats()
}

one('#explain').addEventListener('submit', (event) => {
  event.preventDefault()
  void askAsStaff(`explain?key=${encodeURIComponent(new FormData(event.target).get('key'))}`)
})
for (const button of document.querySelectorAll('button[data-mode]')) {
  button.addEventListener('click', () => askAsStaff('control', { mode: button.dataset.mode }))
}

setInterval(showStats, statsEveryMs)
document.addEventListener('visibilitychange', showStats)
void showStats()
