export { createForebay, type ForebayOptions } from './create-forebay.js'
export { type EnvironmentOptions, fromEnvironment } from './from-environment.js'
export type { HealthOptions } from './config/health-option.js'
export type { OutboxOptions } from './config/outbox-option.js'
export type { Profile } from './config/profiles.js'
export { type ErrorCode, errorTable, ForebayError } from './core/errors.js'
export type { CorruptReason, EventOf, EventType, ForebayEvent, RefusalReason, StaleReason, Tier } from './core/events.js'
export type { CompressionCodec } from './core/packing.js'
export type { Health, HealthCheck, HealthStatus, HealthVerdict } from './core/health.js'
export type { LinkError } from './core/far-store.js'
export type { NodeState, NodeStats } from './core/supervisor/node-state.js'
export type { Schema, SchemaIssue, SchemaResult } from './core/schema.js'
export type { Strategy } from './core/strategy.js'
export type { EvictionPolicy } from './core/near-store.js'
export type { Latency } from './core/histogram.js'
export { type Pattern, pattern, tag } from './core/pattern.js'
export type { ValuesMode } from './core/kept-value.js'
export type { ValueCodec } from './core/value-codec.js'
export { doNotStore, entry, notModified } from './engine/public.js'
export type {
  BulkLoadContext,
  BulkLoaded,
  BulkLoader,
  BulkOptions,
  Cache,
  CacheControl,
  CacheOptions,
  CompressionOptions,
  Commit,
  DeepReadonly,
  Duration,
  EntryOptions,
  ExtendOptions,
  FetchResult,
  Forebay,
  GetOrSetOptions,
  InvalidateOptions,
  Key,
  LoadContext,
  LoadedOptions,
  Loader,
  LoadingCache,
  LoadingCacheOptions,
  MemoryOptions,
  ReadOptions,
  ReadResult,
  SealOptions,
  ScopedCache,
  SetOptions,
  WarmManyOptions,
  WarmOptions,
  WarmResult,
  Wrapped,
  WrapOptions,
  WriteResult,
} from './engine/public.js'
export type {
  CacheStats,
  ControlStats,
  Decision,
  Explanation,
  ForebayStats,
  HotKey,
  LoadStats,
  MemoryState,
  MonitorStats,
  RedisState,
  ReplicaStats,
  TotalStats,
} from './engine/reports.js'
export type { AskCredentials, RedisCredentials } from './redis/redis-option.js'
export { type HealthBody, type HealthProbe, type HealthResponse, healthResponse } from './telemetry/health-response.js'
