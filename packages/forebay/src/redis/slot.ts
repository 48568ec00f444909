const slots = 16_384
const polynomial = 0x1021

/** CRC-16/XMODEM of one byte in each place; the table of the Cluster specification. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ polynomial : crc << 1
  return crc
})

/** The Cluster slot of all keys with this hash tag. */
export function slotOf(tag: string): number {
  let crc = 0
  for (const byte of Buffer.from(tag)) crc = ((crc << 8) ^ (table[((crc >> 8) ^ byte) & 0xff] ?? 0)) & 0xffff
  return crc % slots
}
