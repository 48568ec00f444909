export type { Change, ChangeSource, Deliver, Feed, Invalidation } from './change.js'
export { type FollowOptions, type FollowStats, type Following, followChanges } from './follow-changes.js'
export { type OutboxOptions, type OutboxSource, outboxSource } from './outbox-source.js'
