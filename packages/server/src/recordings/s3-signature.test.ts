import assert from 'node:assert/strict'
import { it } from 'node:test'
import { authorizationOf, signatureOf, type SignedRequest } from './s3-test-kit.ts'

/** Key, date and requests of "Examples: Signature Calculations" in the S3 API reference of AWS (SigV4, header-based). */
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const authorization = (signedHeaders: string): string =>
  `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=0`
const common = { host: 'examplebucket.s3.amazonaws.com', 'x-amz-date': '20130524T000000Z' }

const EXAMPLES: readonly (readonly [string, SignedRequest, string])[] = [
  [
    'GET with a range',
    {
      method: 'GET',
      target: '/test.txt',
      headers: {
        ...common,
        range: 'bytes=0-9',
        'x-amz-content-sha256': EMPTY,
        authorization: authorization('host;range;x-amz-content-sha256;x-amz-date'),
      },
    },
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
  [
    'PUT',
    {
      method: 'PUT',
      target: '/test%24file.text',
      headers: {
        ...common,
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        authorization: authorization('date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class'),
      },
    },
    '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  ],
  [
    'GET with a query',
    {
      method: 'GET',
      target: '/?max-keys=2&prefix=J',
      headers: {
        ...common,
        'x-amz-content-sha256': EMPTY,
        authorization: authorization('host;x-amz-content-sha256;x-amz-date'),
      },
    },
    '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  ],
]

for (const [name, request, signature] of EXAMPLES) {
  it(`the S3 server of the tests verifies as AWS documents it: ${name}`, () => {
    assert.equal(authorizationOf(request.headers).accessKeyId, 'AKIAIOSFODNN7EXAMPLE')
    assert.equal(signatureOf(request, SECRET), signature)
  })
}
