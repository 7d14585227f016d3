import smpp from 'smpp'

/** The values of command_status that we send or decide by (SMPP 3.4 §5.1.3). */
export const STATUS = {
  ESME_ROK: 0x00,
  ESME_RINVMSGLEN: 0x01,
  /** Malformed: the lengths in the PDU do not add up. */
  ESME_RINVCMDLEN: 0x02,
  ESME_RINVCMDID: 0x03,
  /** The command does not fit the state of the session. */
  ESME_RINVBNDSTS: 0x04,
  ESME_RALYBND: 0x05,
  ESME_RSYSERR: 0x08,
  ESME_RINVSRCADR: 0x0a,
  ESME_RINVDSTADR: 0x0b,
  ESME_RBINDFAIL: 0x0d,
  ESME_RINVPASWD: 0x0e,
  ESME_RINVSYSID: 0x0f,
  /** The queue is full; may be tried again. */
  ESME_RMSGQFUL: 0x14,
  ESME_RSUBMITFAIL: 0x45,
  /** Faster than agreed. */
  ESME_RTHROTTLED: 0x58,
  /** The receiver asks for another try. */
  ESME_RX_T_APPN: 0x64,
  ESME_RUNKNOWNERR: 0xff,
} as const

const names = new Map(Object.entries(smpp.errors).map(([name, status]) => [status, name]))

/** `ESME_RTHROTTLED`, or `0x0401` for a status of the vendor's own. */
export const statusName = (status: number): string =>
  names.get(status) ?? `0x${status.toString(16).padStart(4, '0')}`

/** Whether the peer asks us to be slower: the message was not taken, and may be sent again after a while. */
export const isThrottled = (status: number): boolean =>
  status === STATUS.ESME_RTHROTTLED || status === STATUS.ESME_RMSGQFUL

/** Whether another try may succeed. The message was not taken. */
export const isTemporary = (status: number): boolean =>
  isThrottled(status) || status === STATUS.ESME_RSYSERR || status === STATUS.ESME_RX_T_APPN
