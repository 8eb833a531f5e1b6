/** What a provider's error says, whatever shape it came in. */
export interface ProviderError {
  message: string;
  /** The provider's own word for it: code, else type. */
  code: string | undefined;
  /** Every word that names the error, most telling first: code, type, status, innererror.code, details. */
  words: string[];
  param: string | undefined;
  requestId: string | undefined;
  /** A status written inside the error, in the body or in a stream. */
  status: number | undefined;
}

const MAX_MESSAGE = 500;
const MASKED =
  /\b(?:sk|pk|rk|xai|gsk|key|api|org|proj)[-_][\w*.-]{8,}|\bAIza[\w-]{20,}|\beyJ[\w-]{10,}(?:\.[\w-]+)*|\b[A-Za-z0-9]{32,}\b/g;

/**
 * Reads `{error:{…}}`, `[{error:{…}}]`, `{error:"…"}`, flat `{message,code,type}`, `{detail}` and bare text. HTML gives an
 * empty message: a proxy's page tells a caller nothing.
 */
export function providerErrorOf(text: string): ProviderError {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    const plain = text.trimStart().startsWith('<') ? '' : text;
    return {
      message: cleanMessage(plain),
      code: undefined,
      words: [],
      param: undefined,
      requestId: undefined,
      status: undefined,
    };
  }
  return readProviderError(body);
}

export function readProviderError(value: unknown): ProviderError {
  const body = recordOf(Array.isArray(value) ? value[0] : value) ?? { message: typeof value === 'string' ? value : '' };
  const error = recordOf(body['error']) ?? body;
  const text = typeof body['error'] === 'string' ? body['error'] : undefined;
  const details = error['details'] ?? body['details'];
  const words = [
    error['code'],
    error['type'],
    error['status'],
    recordOf(error['innererror'])?.['code'],
    recordOf(details)?.['error_code'],
    ...(Array.isArray(details)
      ? details.flatMap((each) => [recordOf(each)?.['error_code'], recordOf(each)?.['reason']])
      : []),
  ].flatMap((word) =>
    typeof word === 'string' && word !== '' ? [word] : typeof word === 'number' ? [String(word)] : [],
  );
  return {
    message: cleanMessage(text ?? textOf(error['message']) ?? textOf(error['detail']) ?? textOf(body['message']) ?? ''),
    code: words.find((word) => word !== 'error'),
    words,
    param: typeof error['param'] === 'string' ? error['param'] : undefined,
    requestId: typeof body['request_id'] === 'string' ? body['request_id'] : undefined,
    status: [error['code'], error['status'], body['status']].map(numberOf).find((n) => n >= 400 && n < 600),
  };
}

/** One line, at most 500 characters, without what looks like a key. */
export function cleanMessage(text: string): string {
  // Cut before masking: providers may quote megabytes. The margin keeps a key at the cut from losing its mask.
  const line = text
    .slice(0, MAX_MESSAGE * 4)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.replaceAll(MASKED, (key) => (key.includes('*') ? key : `***${key.slice(-4)}`)).slice(0, MAX_MESSAGE);
}

/** Number() throws on objects that JSON can make: `{"toString":null}`. */
const numberOf = (value: unknown): number =>
  typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;

/** FastAPI's `detail` is a text, or a list of `{loc, msg}`. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (Array.isArray(value)) {
    const texts = value.flatMap((each) => textOf(recordOf(each)?.['msg']) ?? []);
    return texts.length === 0 ? undefined : texts.join('; ');
  }
  return undefined;
}

export function recordOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
