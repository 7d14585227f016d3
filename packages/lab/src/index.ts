export { createSoftphone } from './softphone/softphone.ts'
export { CallEndedError } from './softphone/call-progress.ts'
export type {
  CallEnd,
  Display,
  PhoneCall,
  PhoneCallState,
  Softphone,
  SoftphoneOptions,
} from './softphone/types.ts'
export {
  labelOf,
  renderLadder,
  type LadderMessage,
  type LadderOptions,
  type LadderParticipant,
} from './ladder/ladder.ts'
export { createCustomerServer, type CustomerServer } from './customer/customer-server.ts'
export { startSmsNetwork } from './sms/network.ts'
export type { Handset, ReceivedText, SmppAccount, SmsNetwork, SmsNetworkOptions } from './sms/types.ts'
export { extraOf, type SmsEvent } from './customer/sms-body.ts'
export { type Laboratory, type LaboratoryOptions, openLaboratory } from './demo/laboratory.ts'
