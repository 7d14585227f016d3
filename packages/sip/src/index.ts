export type * from './message/message.ts'
export type * from './transport/address.ts'
export type * from './ua/types.ts'
