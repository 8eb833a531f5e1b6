/** `extra_headers` of the configuration come last and win, in whatever case they are written. */
export function withExtraHeaders(
  headers: Record<string, string>,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  for (const name in extra) headers[name.toLowerCase()] = extra[name] ?? '';
  return headers;
}
