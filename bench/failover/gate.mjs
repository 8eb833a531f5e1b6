import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * A door in front of a server. While it is shut, connections are refused and those that were open are reset: a host that is
 * down, which an HTTP answer cannot play.
 * @param prefix put before the path of each request, `/@healthy`: makes a profile of the simulator look like a host
 */
export async function openGate(target, prefix = '') {
  const { hostname, port } = new URL(target);
  const sockets = new Set();
  const server = createServer({ noDelay: true }, (inner) => {
    const outer = connect({ host: hostname, port: Number(port), noDelay: true });
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    inner.on('data', (bytes) => outer.write(prefix === '' ? bytes : withPrefix(bytes, prefix)));
    inner.once('end', () => outer.end());
    outer.pipe(inner);
  });
  const listen = async (at) => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
    return server.address().port;
  };
  const own = await listen(0);
  const shut = async () => {
    if (!server.listening) return;
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
    await once(server, 'close');
  };
  return { origin: `http://127.0.0.1:${own}`, shut, open: () => listen(own), stop: shut };
}

/** Callers do not pipeline: a request begins where a piece begins. */
function withPrefix(bytes, prefix) {
  const start = 'POST ';
  if (bytes.latin1Slice(0, start.length) !== start) return bytes;
  return Buffer.concat([Buffer.from(start + prefix), bytes.subarray(start.length)]);
}
