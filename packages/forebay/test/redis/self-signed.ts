import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface Certificate {
  readonly key: string
  readonly cert: string
  readonly name: string
  readonly signer: KeyObject
}

export interface CertificateOptions {
  /** Whom it is for; also who may be spoken to under it are `localhost` and 127.0.0.1. */
  readonly name?: string | undefined
  /** By itself when not given. */
  readonly signedBy?: Certificate | undefined
  /** Whether it may sign others. */
  readonly authority?: boolean | undefined
  /** When it ends, in days from now: less than 0 is over. */
  readonly endsInDays?: number | undefined
}

const dayMs = 86_400_000
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))

/** A certificate for `localhost` and 127.0.0.1 that signs itself. */
export function selfSigned(): Certificate {
  return certify({})
}

/** A certificate made by hand (X.509 v3 in DER), since Node makes keys but no certificates, and not every machine has openssl. */
export function certify({ name = 'localhost', signedBy, authority = false, endsInDays = 1 }: CertificateOptions): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = signedBy?.signer ?? privateKey
  const validity = sequence(utcTime(Date.now() - 30 * dayMs), utcTime(Date.now() + endsInDays * dayMs))
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))
  const subjectAltName = sequence(oid('551d11'), der(0x04, names))
  const basicConstraints = sequence(oid('551d13'), der(0x01, Buffer.from([255])), der(0x04, sequence(der(0x01, Buffer.from([255])))))
  const extensions = der(0xa3, sequence(subjectAltName, ...(authority ? [basicConstraints] : [])))
  const version3 = der(0xa0, integer(Buffer.from([2])))
  const serial = integer(Buffer.concat([Buffer.from([1]), randomBytes(8)]))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const [subject, issuer] = [commonName(name), commonName(signedBy?.name ?? name)]
  const body = sequence(version3, serial, ecdsaWithSha256, issuer, validity, subject, spki, extensions)
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, signer))
  const text = sequence(body, ecdsaWithSha256, signature).toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
    name,
    signer: privateKey,
  }
}

function commonName(name: string): Buffer {
  return sequence(set(sequence(oid('550403'), der(0x0c, Buffer.from(name)))))
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...head]), content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts)
}

function set(...parts: readonly Buffer[]): Buffer {
  return der(0x31, ...parts)
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes)
}

/** By its content in hexadecimal. */
function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

/** As `YYMMDDhhmmssZ`. */
function utcTime(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replace(/\D/g, '')
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`))
}
