import { MASTER_KEY, type SluiceUnderTest } from './sluice.js';

export interface Reply {
  status: number;
  headers: Headers;
  body: Record<string, any>;
}

/** The native routes of a Sluice under test, as a program would call them. */
export function nativeJobs({ url, group }: Pick<SluiceUnderTest, 'url' | 'group'>) {
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${MASTER_KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
  };
  /** A job for the group, of one short chat call. */
  const create = (members: Record<string, unknown> = {}, body: Record<string, unknown> = {}) => ({
    endpoint: '/v1/chat/completions',
    body: { model: group, messages: [{ role: 'user', content: 'Say hello.' }], ...body },
    ...members,
  });
  return {
    send,
    create,
    submit: (
      members: Record<string, unknown> = {},
      body: Record<string, unknown> = {},
      headers: Record<string, string> = {},
    ) => send('POST', '/v1/jobs', create(members, body), headers),
    look: (id: string, query = '', headers: Record<string, string> = {}) =>
      send('GET', `/v1/jobs/${id}${query}`, undefined, headers),
    ended: (id: string) => send('GET', `/v1/jobs/${id}?wait=20`),
    result: (id: string) => send('GET', `/v1/jobs/${id}/result`),
    cancel: (id: string) => send('POST', `/v1/jobs/${id}/cancel`),
    retry: (id: string, edits?: unknown) => send('POST', `/v1/jobs/${id}/retry`, edits ?? {}),
    erase: (id: string) => send('DELETE', `/v1/jobs/${id}`),
  };
}
