/**
 * What an observer saw of a Sluice, as an append-only log: what callers sent and were answered, what the provider was asked,
 * what receivers of webhooks got. Times are of the observer's clock, in Unix ms.
 */
export type Entry =
  | Accepted
  | Keyed
  | Ended
  | Looked
  | Refused
  | Gone
  | Erased
  | StreamRead
  | EventsRead
  | Asked
  | Tried
  | Uploaded
  | BatchSeen
  | LinesRead;

/** The caller was given a job's id, or its answer. */
export interface Accepted {
  what: 'accepted';
  job: string;
  /** It has a record that can be asked for until its retention ends; a plain call's is gone soon after its answer. */
  isDurable: boolean;
  by: Caller;
  /** First words of its user, by which the provider's calls are told apart. Undefined: not known. */
  prompt: string | undefined;
  /** Where it calls back. */
  hook: Hook | undefined;
  atMs: number;
}

/** Headers by which the same caller asks again. */
export type Caller = Readonly<Record<string, string>>;

export interface Hook {
  url: string;
  secret: string | undefined;
  /** Some events only: not all jobs call back. */
  isFiltered: boolean;
}

/** A call with an Idempotency-Key was answered in the name of a job. */
export interface Keyed {
  what: 'keyed';
  /** With all that belongs to its scope. */
  key: string;
  /** Of the body. */
  fingerprint: string;
  job: string;
  atMs: number;
}

export type EndState = 'completed' | 'failed' | 'cancelled' | 'expired';

/** Somebody saw how a job ended. */
export interface Ended {
  what: 'ended';
  job: string;
  /** `error`: the answer of a call says its code and not its state. */
  state: EndState | 'error';
  /** Text of the answer, or the error's code. Undefined: this way of looking does not tell. */
  said: string | undefined;
  /** Where it was seen: `answer`, `stream`, `job`, `result`, `events`, `callback`, `list`. */
  through: string;
  /** Of all that a reader of the result got. */
  digest?: string | undefined;
  /** When it ended, what it used and cost, as a look at the job shows it. */
  account?: string | undefined;
  atMs: number;
}

/** A job was shown as not over. */
export interface Looked {
  what: 'looked';
  job: string;
  state: string;
  /** When it was asked for: an end that was seen before cannot have been undone. */
  askedAtMs: number;
}

/** A call was refused, and no job named. */
export interface Refused {
  what: 'refused';
  prompt: string | undefined;
  code: string;
  atMs: number;
}

/** A call came back with neither: its connection broke. Whether it became a job is not known. */
export interface Gone {
  what: 'cut' | 'gone';
  /** Of `gone`: the job that is not found. */
  job: string | undefined;
  prompt: string | undefined;
  atMs: number;
}

export interface Erased {
  what: 'erased';
  job: string;
}

/** An answer that came as a stream, over a connection that was closed in order. */
export interface StreamRead {
  what: 'stream_read';
  job: string;
  hasFinish: boolean;
  isDone: boolean;
  hasError: boolean;
  /** Frames after its last word. */
  after: number;
}

/** One connection's events of a job. */
export interface EventsRead {
  what: 'events_read';
  job: string;
  /** Asked for those after this one; undefined: not told in a number. */
  fromSeq: number | undefined;
  seen: readonly { seq: number; digest: string }[];
  /** The last event is an end. */
  isEnded: boolean;
}

/** A provider was called. */
export interface Asked {
  what: 'asked';
  prompt: string | undefined;
  deployment: string;
  status: number | null;
  /** It gave its answer to the last byte. */
  isWhole: boolean;
  atMs: number;
  /** Of a 429: from when to when it wants to be left alone. */
  blocked?: { fromMs: number; untilMs: number } | undefined;
}

/** A webhook was received. */
export interface Tried {
  what: 'tried';
  url: string;
  /** Header and body. */
  webhookId: string;
  eventId: string;
  type: string;
  job: string;
  /** Undefined: nobody here knows the secret. */
  isSigned: boolean | undefined;
  atMs: number;
}

/** A file was taken in. */
export interface Uploaded {
  what: 'uploaded';
  file: string;
  lines: readonly { id: string; prompt: string | undefined }[];
}

export interface BatchSeen {
  what: 'batch';
  batch: string;
  input: string;
  by: Caller;
  status: string;
  isOver: boolean;
  total: number;
  completed: number;
  failed: number;
  /** Of its answers, and of its errors. */
  files: readonly (string | null)[];
  atMs: number;
}

/** A file of a batch was read. */
export interface LinesRead {
  what: 'lines';
  file: string;
  lines: readonly { id: string; digest: string }[];
  atMs: number;
}
