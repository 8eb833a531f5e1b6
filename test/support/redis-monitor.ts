import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/**
 * What is asked of a Redis of the test's own, in its order: one line each, the command and its arguments in quotes. By hand:
 * ioredis takes a line that comes along with the answer to MONITOR for an answer too many.
 */
export class RedisMonitor {
  private text = '';

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1').on('data', (text: string) => (this.text += text));
  }

  /** @param path of its socket */
  static async watch(path: string): Promise<RedisMonitor> {
    const socket = connect(path);
    await once(socket, 'connect');
    const monitor = new RedisMonitor(socket);
    socket.write('MONITOR\r\n');
    await once(socket, 'data');
    return monitor;
  }

  /**
   * Since the beginning, or since they were taken last.
   * @param who what clients ask, or what their scripts ask as well
   */
  take(who: 'clients' | 'all' = 'clients'): string[] {
    const whole = this.text.slice(0, this.text.lastIndexOf('\n') + 1);
    this.text = this.text.slice(whole.length);
    const lines = [...whole.matchAll(/^\+[\d.]+ \[\d+ ([^\]]*)\] (.*)\r$/gm)];
    return lines.filter(([, source]) => who === 'all' || source !== 'lua').map(([, , command]) => command!);
  }

  stop(): void {
    this.socket.destroy();
  }
}
