import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Node keeps the answer that is being written on a connection here; it has no public name. */
type ServerSocket = Socket & { _httpMessage?: ServerResponse | null };

/** For the last bytes of answers, once the calls are over. */
const LAST_BYTES_MS = 5_000;

/**
 * Closes connections as Node does not. It destroys those whose answer has been ended, whether or not it has been sent: here
 * answers are sent first. And it waits for those that have never carried a request, as clients and load balancers hold in
 * store, and for readers that do not read.
 */
export function closeConnections(fastify: FastifyInstance): void {
  const sockets = new Set<ServerSocket>();
  fastify.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  fastify.addHook('preClose', (done) => {
    let isDone = false;
    const finish = (): void => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      done();
    };
    const timer = setTimeout(finish, LAST_BYTES_MS);
    let answering = 0;
    for (const { _httpMessage: answer } of sockets) {
      if (answer === undefined || answer === null) continue;
      answering++;
      answer.once('close', () => --answering === 0 && finish());
    }
    if (answering === 0) finish();
  });
}
