/** Whether the text looks like the address of a PostgreSQL database: `postgres://user:password@host:5432/name`. */
export const isDatabaseUrl = (text: string): boolean => /^postgres(?:ql)?:\/\/./.test(text)

/** The address without its password, for people. */
export const redactDatabaseUrl = (url: string): string =>
  url.replace(/^([a-z]+:\/\/[^:@/?#]*):.*@/i, '$1:***@').replace(/([?&](?:ssl)?password=)[^&#]*/gi, '$1***')
