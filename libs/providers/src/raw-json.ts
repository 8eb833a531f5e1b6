/** JSON text that goes into a body as it is: tool arguments, schemas. Numbers in it keep their digits. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** JSON.stringify, with RawJson values spliced in. Members that are undefined are left out. */
export function writeJson(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const parts: string[] = [];
  for (const [key, each] of Object.entries(value)) {
    if (each !== undefined) parts.push(`${JSON.stringify(key)}:${writeJson(each)}`);
  }
  return `{${parts.join(',')}}`;
}
