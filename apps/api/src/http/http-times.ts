/** Clocks of the HTTP side, ms. One object, so that tests can run them faster. */
export interface HttpTimes {
  /** For the headers of a request to arrive. */
  headersMs: number;
  /** For headers and body. 32 MiB at 2.5 Mbit/s take 107 s. */
  requestMs: number;
  /** A stream whose first content takes longer gets its head without it: clients and proxies give up on silence. */
  earlyHeadMs: number;
  /** Silence after which a stream gets a comment. */
  heartbeatMs: number;
  /** A stream's reader that leaves much unread for so long is cut. */
  laggingMs: number;
  /** A reader of a whole answer that takes nothing of it for so long is cut. */
  unreadMs: number;
}

export const HTTP_TIMES: HttpTimes = {
  headersMs: 30_000,
  requestMs: 120_000,
  earlyHeadMs: 10_000,
  heartbeatMs: 15_000,
  laggingMs: 5_000,
  unreadMs: 30_000,
};
