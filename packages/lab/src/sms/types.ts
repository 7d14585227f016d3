export type SmsNetworkOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** SMPP port; default 0, any free one. */
  readonly port?: number
  /** The bind that is let in; by default `maskline` with a password of its own. */
  readonly account?: SmppAccount
  /** Where numbers without a country code belong; default 86. */
  readonly countryCode?: string
  /** Whether every number has a handset; by default those have one that `handset` was asked for. */
  readonly everyNumber?: boolean
  /** Told of every text that a handset has got whole. */
  readonly onText?: (handset: Handset, text: ReceivedText) => void
  /** Told when the platform's first connection is bound, and when its last is gone. */
  readonly onBound?: (isBound: boolean) => void
}

export type SmppAccount = { readonly systemId: string; readonly password: string }

/** A text as a handset shows it, joined of its parts. */
export type ReceivedText = {
  /** What the display shows as sender, `+8617000000001`. */
  readonly from: string
  readonly text: string
  /** SMS that it came in. */
  readonly parts: number
}

export type Handset = {
  /** Global form, `+8613800000021`. */
  readonly number: string
  /** Texts since the start, newest last. */
  readonly inbox: readonly ReceivedText[]
  /**
   * Sends a text, in as many SMS as it takes, one after the other. Resolves when the platform has acknowledged each; rejects when it has not,
   * with the SMPP status if there is one.
   */
  send(to: string, text: string): Promise<void>
  /** The next text that no earlier `next()` has given out, past ones included; rejects when the network closes before. */
  next(): Promise<ReceivedText>
  /** The network goes on taking texts for it, and tells their senders that they are undeliverable. */
  switchOff(): void
  switchOn(): void
  /**
   * All that has reached it: each part's sender, and its user data both as bytes (one a character) and as text. For privacy
   * searches.
   */
  received(): string
}

/** A mobile network in a box: an SMSC that the platform binds to, and handsets by number. */
export type SmsNetwork = {
  readonly port: number
  /** What an ESME needs to bind here, in the words of `sms.smscs`. */
  readonly access: SmppAccount & {
    readonly hosts: readonly { readonly host: string; readonly port: number }[]
  }
  /** The handset of a number, dialled with or without its country; the same one every time. */
  handset(number: string): Handset
  /** Resolves when the platform is bound so that it can receive; rejects when it is not after `timeoutMs`, 10 s by default. */
  bound(timeoutMs?: number): Promise<void>
  /** Resolves when the platform has acknowledged every delivery receipt that it is owed. */
  receiptsTold(): Promise<void>
  /** Breaks the platform's connections, as a carrier's fault does. */
  drop(): void
  close(): Promise<void>
}
