import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Settings } from '@sluice/config';

/** @throws a sentence where the port is taken */
export async function listenOn<T>(port: number, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    throw new Error(`Port ${port} is in use by another program. Stop that one, or choose another with --port.`, {
      cause: error,
    });
  }
}

/** Told before anything is opened; and Nest would print an error of its own before the sentence. */
export async function tryPort({ port, host }: Pick<Settings, 'port' | 'host'>): Promise<void> {
  if (port === 0) return;
  await listenOn(port, async () => {
    const server = createServer().listen(port, host);
    await once(server, 'listening');
    await once(server.close(), 'close');
  });
}

export const isPortTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
