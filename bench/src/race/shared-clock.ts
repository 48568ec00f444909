/** Milliseconds by the monotonic clock that all processes of a machine share: the one by which ages are measured. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
