/**
 * Resampling by a windowed sinc: what lies above half of the lower rate is taken away first, or it would come back as
 * other tones. Flat to 85 % of that half (3400 Hz for telephony), down by 60 dB at it.
 */
const PASS = 0.85
const STOP_DB = 60
/** Kaiser's window for `STOP_DB`. */
const BETA = 0.1102 * (STOP_DB - 8.7)

/** The same sound at `toHz`; whole rates. The very array when it already is. */
export function resample(samples: Float32Array, fromHz: number, toHz: number): Float32Array {
  if (fromHz === toHz) return samples
  const { taps, phases, step } = filterFor(fromHz, toHz)
  const half = taps >> 1
  const out = new Float32Array(Math.ceil((samples.length * toHz) / fromHz))
  for (let n = 0; n < out.length; n++) {
    const position = n * fromHz
    const phase = ((position % toHz) / step) * taps
    const first = Math.floor(position / toHz) - half + 1
    const from = Math.max(0, -first)
    const to = Math.min(taps, samples.length - first)
    let sum = 0
    for (let k = from; k < to; k++) sum += (samples[first + k] ?? 0) * (phases[phase + k] ?? 0)
    out[n] = sum
  }
  return out
}

/** A row of `taps` weights for each place that a sample of the output can have between two of the input. */
function filterFor(fromHz: number, toHz: number) {
  const edgeHz = Math.min(fromHz, toHz) / 2
  const cutHz = (edgeHz * (1 + PASS)) / 2
  const widthHz = edgeHz * (1 - PASS)
  const half = Math.ceil((((STOP_DB - 8) / 2.285) * fromHz) / (2 * Math.PI * widthHz) / 2)
  const taps = 2 * half
  const step = gcd(fromHz, toHz)
  const rows = toHz / step
  const phases = new Float32Array(rows * taps)
  for (let row = 0; row < rows; row++) {
    const weights = Float64Array.from({ length: taps }, (_, k) => {
      const distance = k - half + 1 - row / rows
      return sinc((2 * cutHz * distance) / fromHz) * kaiser(distance / half)
    })
    // Silence and constant stay what they are.
    const sum = weights.reduce((total, weight) => total + weight, 0)
    for (let k = 0; k < taps; k++) phases[row * taps + k] = (weights[k] ?? 0) / sum
  }
  return { taps, phases, step }
}

const gcd = (one: number, other: number): number => (other === 0 ? one : gcd(other, one % other))
const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
const kaiser = (x: number): number =>
  Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA)

/** Modified Bessel function of order 0, by its series. */
function bessel(x: number): number {
  let term = 1
  let sum = 1
  for (let k = 1; term > 1e-10 * sum; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}
