import type { FastifySchemaValidationError } from 'fastify'

/** What a schema found wrong, each in a sentence that names the member. */
export function schemaFaults(errors: readonly FastifySchemaValidationError[]): readonly string[] {
  return [...new Set(errors.map(faultOf))]
}

function faultOf({ instancePath, keyword, params, message }: FastifySchemaValidationError): string {
  const where = instancePath.slice(1).replaceAll('/', '.')
  const inside = (name: unknown): string => (where === '' ? String(name) : `${where}.${String(name)}`)
  switch (keyword) {
    case 'additionalProperties':
      return `${inside(params.additionalProperty)} is not known here`
    case 'required':
      return `${inside(params.missingProperty)} is missing`
    case 'enum':
      return `${where} must be one of ${(params.allowedValues as unknown[]).filter((value) => value !== null).join(', ')}`
    default:
      return `${where === '' ? 'the body' : where} ${message}`
  }
}
