import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody, errorHeaders, type ApiError } from '@sluice/wire';
import type { HttpTimes } from './http-times.js';

type ClientError = Error & { code?: string };
/** Node keeps the answer that is being written on a connection here; it has no public name. */
type ServerSocket = Socket & { _httpMessage?: ServerResponse | null };

/** What Node's parser gives up on never becomes a request: the answer is written on the socket, which is then closed. */
export function clientErrorAnswerer(times: HttpTimes, headerBytes: number): (error: Error, socket: Socket) => void {
  const tooLate = `The request did not arrive in time: headers within ${times.headersMs / 1_000} s, headers and body within ${times.requestMs / 1_000} s.`;
  const answers: Record<string, [status: number, error: ApiError]> = {
    HPE_HEADER_OVERFLOW: [
      431,
      { code: 'request_too_large', message: `The headers are larger than ${headerBytes / 1024} KiB.` },
    ],
    ERR_HTTP_REQUEST_TIMEOUT: [408, { code: 'invalid_request', message: tooLate }],
  };
  const malformed: [number, ApiError] = [
    400,
    { code: 'invalid_request', message: 'This is not an HTTP/1.1 request, or it ended too early.' },
  ];

  return ({ code = '' }: ClientError, socket: ServerSocket) => {
    const isAnswering = socket._httpMessage?.headersSent === true; // a second answer in its middle would be read as its part
    if (code === 'ECONNRESET' || !socket.writable || isAnswering) {
      socket.destroy();
      return;
    }
    const [status, error] = answers[code] ?? malformed;
    const body = errorBody(error);
    const headers = {
      ...errorHeaders(error),
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]!}\r\n${lines.join('')}\r\n${body}`);
  };
}
