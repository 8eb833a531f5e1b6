import { childrenOf, plainValueOf, type YamlMap, type YamlNode } from '../yaml/node.js';

/** `model_info` for `/model/info`: without what looks like a secret, and without what came from the environment. */
export function echoedInfo(info: YamlMap): Record<string, unknown> {
  const echoed: Record<string, unknown> = {};
  for (const [key, node] of info.entries) {
    if (looksSecret(key) || isFromEnvironment(node)) continue;
    echoed[key] = node.kind === 'map' ? echoedInfo(node) : plainValueOf(node);
  }
  return echoed;
}

/** `max_tokens` and `input_cost_per_token` speak of other tokens. */
const looksSecret = (key: string): boolean =>
  /key|secret|password|credential|token(?!s)/i.test(key) && !/_per_|_cost/.test(key);

function isFromEnvironment(node: YamlNode): boolean {
  if (node.kind === 'unset') return true;
  if (node.kind === 'scalar') return node.variable !== undefined;
  return node.kind === 'list' && childrenOf(node).some(isFromEnvironment);
}
