const NULL = /^(?:~|null|Null|NULL|)$/;
const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INT = /^[-+]?(?:0b[0-1_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*|[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;
const FLOAT =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/**
 * An unquoted scalar as PyYAML's safe loader reads it: YAML 1.1, so `yes` and `on` are true and `010` is 8, but without
 * `y` and `n`, and with `1e-6` as a string, since its exponent has no dot. A date stays text: LiteLLM writes it out again
 * (`api_version: 2024-10-21`). Source: pyyaml 6.0.3, resolver.py; 2026-11-21.
 */
export function plainScalarOf(text: string): string | number | boolean | null {
  if (NULL.test(text)) return null;
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  if (INT.test(text)) return intOf(text.replaceAll('_', ''));
  if (FLOAT.test(text)) return floatOf(text.replaceAll('_', '').toLowerCase());
  return text;
}

function intOf(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[-+]/, '');
  if (/^0[bx]/.test(digits)) return sign * Number(digits);
  if (digits.includes(':')) return sign * sexagesimalOf(digits);
  return sign * (digits.length > 1 && digits.startsWith('0') ? Number.parseInt(digits, 8) : Number(digits));
}

function floatOf(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[-+]/, '');
  if (digits === '.inf') return sign * Infinity;
  if (digits === '.nan') return NaN;
  return sign * (digits.includes(':') ? sexagesimalOf(digits) : Number(digits));
}

const sexagesimalOf = (digits: string): number =>
  digits.split(':').reduce((total, part) => total * 60 + Number(part), 0);
