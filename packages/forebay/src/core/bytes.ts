/** Bytes as they come from a socket. A Node `Buffer` is one; the core uses nothing of it but this. */
export type Bytes = Uint8Array
