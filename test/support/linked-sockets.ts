import type { Socket } from 'node:net';

/** The two sides of a link that a test stands between: when one closes, so does the other. */
export class LinkedSockets {
  private readonly open = new Set<Socket>();

  link(client: Socket, server: Socket, onClose: (socket: Socket) => void = () => undefined): void {
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.open.delete(socket);
        onClose(socket);
        other.destroy();
      });
    }
  }

  cut(): void {
    for (const socket of this.open) socket.destroy();
  }
}
