import { show } from './duration.js'
import { ForebayError } from './errors.js'

/** How one read goes: by the cache, past it, or past it while the cache is watched. */
export type Course = 'on' | 'off' | 'shadow'

/** Whether a cache is used: its mode, and for how many percent of its keys that holds. The others are off. */
export interface Control {
  readonly mode: Course
  readonly ramp: number
  /** Nothing changes it: the whole service is disabled. */
  readonly locked?: true | undefined
}

const modes: readonly unknown[] = ['on', 'off', 'shadow']
/** Keys are dealt to so many parts, of which the ramp takes the first. */
export const wholeRamp = 100

/** Every read goes past every cache. */
export const disabledControl: Control = { mode: 'off', ramp: wholeRamp, locked: true }

/** Checks controls from outside; throws `E_OPTION` naming what is wrong. */
export function checkControl(where: string, control: unknown): Partial<Pick<Control, 'mode' | 'ramp'>> {
  if (control === undefined) return {}
  if (control === null || typeof control !== 'object') {
    throw new ForebayError('E_OPTION', `${where}control is ${show(control)}; an object of mode and ramp`)
  }
  const { mode, ramp, ...rest }: { mode?: unknown; ramp?: unknown } = control
  for (const option of Object.keys(rest)) throw new ForebayError('E_OPTION', `${where}control.${option} is no option; there are mode, ramp`)
  if (mode !== undefined && !modes.includes(mode)) {
    throw new ForebayError('E_OPTION', `${where}control.mode is ${show(mode)}; 'on', 'off' or 'shadow'`)
  }
  if (ramp !== undefined && !(Number.isInteger(ramp) && (ramp as number) >= 0 && (ramp as number) <= wholeRamp)) {
    throw new ForebayError('E_OPTION', `${where}control.ramp is ${show(ramp)}; a whole number of percent from 0 to 100`)
  }
  return { ...(mode !== undefined && { mode: mode as Course }), ...(ramp !== undefined && { ramp: ramp as number }) }
}
