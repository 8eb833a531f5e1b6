/** How much content a delta or message holds: -1 none, else its characters (a tool call without arguments: its name's). */
export function contentCharsOf(delta: Readonly<Record<string, unknown>>): number {
  const { content, refusal } = delta;
  let chars = typeof content === 'string' ? content.length : 0;
  if (typeof refusal === 'string') chars += refusal.length;
  const reasoning = delta['reasoning_content'] ?? delta['reasoning'];
  if (typeof reasoning === 'string') chars += reasoning.length;
  let has = chars > 0;
  if (Array.isArray(content)) {
    const size = sizeOf(content);
    has ||= size > 0;
    chars += size;
  }
  for (const name of ['tool_calls', 'function_call', 'audio', 'images', 'thinking_blocks'] as const) {
    const value = delta[name];
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue;
    has = true;
    chars += sizeOf(value);
  }
  return has ? chars : -1;
}

/** Characters of the texts in a value, but not of what merely labels them. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  let chars = 0;
  for (const [key, each] of Object.entries(value)) {
    if (key !== 'id' && key !== 'type' && key !== 'index') chars += sizeOf(each);
  }
  return chars;
}
