import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalName, cleanParameters } from './codec-names.ts'

test('knows a codec in any spelling and writes it in one', () => {
  assert.equal(canonicalName('pcma'), 'PCMA')
  assert.equal(canonicalName('OPUS'), 'opus')
  assert.equal(canonicalName('Telephone-Event'), 'telephone-event')
  assert.equal(canonicalName('x-13800000021'), undefined)
})

test('parameters of the codec pass as they are', () => {
  for (const [name, fmtp] of [
    ['AMR', 'mode-set=0,1,2,3,4,5,6,7;octet-align=1'],
    ['AMR-WB', 'octet-align;mode-change-capability=2'],
    ['EVS', 'br=5.9-24.4;bw=nb-swb;ch-aw-recv=-1'],
    ['opus', 'maxplaybackrate=16000;maxaveragebitrate=510000;useinbandfec=1'],
    ['G729', 'annexb=no'],
    ['telephone-event', '0-15,66,70'],
  ] as const) {
    assert.equal(cleanParameters(name, fmtp), fmtp)
  }
})

test('no other key, no phone number and no address passes', () => {
  assert.equal(
    cleanParameters('G729', 'n=+8613800000021;ip=192.0.2.7; annexb = yes ;annexb=no'),
    'annexb=yes',
  )
  for (const value of [
    '13800000021',
    '138-0000-0021',
    '+8613800000021',
    '1.38.000.00021',
    'a@b',
    'x'.repeat(33),
  ]) {
    assert.equal(cleanParameters('AMR', `mode-set=${value}`), undefined, value)
  }
  assert.equal(cleanParameters('AMR', 'mode-set=1=2'), undefined)
  assert.equal(cleanParameters('PCMA', '=1;;'), undefined)
  assert.equal(cleanParameters('telephone-event', '0-15 alice'), undefined)
})
