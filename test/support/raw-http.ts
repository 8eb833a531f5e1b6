import { connect } from 'node:net';

/** What a server wrote on a connection, read to its end, or until `until` says that it is enough. */
export interface RawAnswer {
  text: string;
  /** Of the first answer. */
  status: number;
  /** The JSON body of the last one. */
  error: { code?: string; message?: string; param?: string | null; type?: string };
  endedBy: 'server' | 'us';
}

export interface RawOptions {
  /** What to do behind the bytes: `end` half-closes the connection, `reset` cuts it, `wait` nothing. */
  after?: 'wait' | 'end' | 'reset';
  /** Default: one answer with a content-length is there. */
  until?: (text: string) => boolean;
  /** More bytes, once that has come. */
  later?: { when: string; bytes: string };
}

/**
 * Sends bytes as they are: what no HTTP client can be made to send.
 * @throws Error when nothing has come after five seconds
 */
export function sendRaw(
  url: string,
  bytes: string | Uint8Array,
  { after = 'wait', until = isWhole, later }: RawOptions = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    let isLate = false;
    const finish = (endedBy: RawAnswer['endedBy']): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), error: errorIn(text), endedBy });
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no whole answer after 5 s, only: ${text.slice(0, 500)}`));
    }, 5_000);
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (later !== undefined && !isLate && text.includes(later.when)) {
        isLate = true;
        socket.write(later.bytes);
      }
      if (until(text)) finish('us');
    });
    socket.on('error', () => undefined); // a reset of the server's, while we still write; `close` follows
    socket.on('close', () => finish('server'));
    socket.write(bytes, () => {
      if (after === 'end') socket.end();
      if (after === 'reset') socket.resetAndDestroy();
    });
  });
}

/** One answer with a content-length. */
function isWhole(text: string): boolean {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  return length !== undefined && rest.join('\r\n\r\n').length >= Number(length);
}

function errorIn(text: string): RawAnswer['error'] {
  const json = text.slice(text.lastIndexOf('\r\n\r\n') + 4);
  try {
    return (JSON.parse(json) as { error?: RawAnswer['error'] }).error ?? {};
  } catch {
    return {};
  }
}
