/**
 * For tests of what is answered, not of how soon: a server that is well is late on no machine that is merely busy. By default a read is given up
 * after 150 ms at most, and its caller served by the origin, as he should be; but a test that expects a hit would not get it.
 */
export const noHurry = { deadline: { min: '2s', max: '2s' }, connectTimeout: '2s' } as const
