import type { TrafficReport } from './traffic.js'
import type { Written } from './written.js'

/** What all processes of a fleet did and saw, in the order of the workers. */
export interface Verdict {
  /** The largest age at which a superseded value was served, from the acknowledgement of what superseded it; 0 if none was. */
  readonly staleMs: number
  /** The same from the change of the origin, whether or not Redis was told. */
  readonly sinceChangeMs: number
  /** Versions older than one that the same process had written before it began to read. */
  readonly ownOld: number
  readonly tokenOld: number
  readonly reads: number
  readonly failed: number
  readonly writes: number
  readonly queued: number
  /** Which value it was, for who wants to know why. */
  readonly worst: string
}

/**
 * Judges by the start of each read. A value older than a write that had been acknowledged by then was served too late by that long.
 */
export function judge(reports: readonly TrafficReport[]): Verdict {
  const all = reports.flatMap(({ written }) => written)
  const acknowledged = superseded(all, ({ acknowledgedMs }) => acknowledgedMs)
  const changed = superseded(all, ({ changedMs }) => changedMs)
  let [staleMs, sinceChangeMs, ownOld, worst] = [0, 0, 0, '']
  for (const [process, report] of reports.entries()) {
    const own = superseded(report.written, ({ resolvedMs }) => resolvedMs)
    for (const [key, version, lastMs] of report.served) {
      const ageMs = lastMs - acknowledged(key, version)
      if (ageMs > staleMs) [staleMs, worst] = [ageMs, `process ${process}, ${key} version ${version}`]
      sinceChangeMs = Math.max(sinceChangeMs, lastMs - changed(key, version))
      if (lastMs > own(key, version)) ownOld++
    }
  }
  const sum = (of: (report: TrafficReport) => number): number => reports.reduce((total, report) => total + of(report), 0)
  return {
    staleMs,
    sinceChangeMs,
    ownOld,
    tokenOld: sum(({ tokenOld }) => tokenOld),
    reads: sum(({ reads }) => reads),
    failed: sum(({ failed }) => failed),
    writes: all.length,
    queued: all.filter(({ queued }) => queued).length,
    worst,
  }
}

/** When a version of a key was superseded: the earliest time of a higher one; never, if there is none. */
function superseded(written: readonly Written[], timeOf: (one: Written) => number | undefined): (key: string, version: number) => number {
  const byKey = new Map<string, Written[]>()
  for (const one of written) byKey.set(one.key, [...(byKey.get(one.key) ?? []), one])
  return (key, version) => {
    const higher = (byKey.get(key) ?? []).filter((one) => one.version > version).map((one) => timeOf(one) ?? Number.POSITIVE_INFINITY)
    return Math.min(...higher)
  }
}
