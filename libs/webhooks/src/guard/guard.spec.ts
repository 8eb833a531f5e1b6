import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AddressRules } from './address-rules.js';
import { urlProblem } from './check-url.js';

const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 2_000) };
const strict = new AddressRules({ allowHttp: false, allowNetworks: [] });
const withHttp = new AddressRules({ allowHttp: true, allowNetworks: [] });
const withTen = new AddressRules({ allowHttp: false, allowNetworks: ['10.1.0.0/16', 'fd00:5::/32'] });

/** FAULTS.md 5. */
const CORPUS = [
  '127.0.0.1',
  '0x7f.1',
  '2130706433',
  '017700000001',
  '0',
  '[::ffff:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  'localhost',
  '169.254.169.254',
  'u@10.0.0.1',
];
/** Other spellings and other networks. */
const MORE = [
  'localhost.',
  'a.localhost',
  'LOCALHOST',
  '127.1',
  '127.0.0.1.',
  '127。0。0。1',
  '①②⑦.0.0.1',
  '0177.0.0.1',
  '0x7f000001',
  '0xA9FEA9FE',
  '100.64.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '198.19.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[::127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '[0:0:0:0:0:ffff:7f00:1]',
  '[64:ff9b:1::a00:1]',
  '[::ffff:0:7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  'user:password@example.com',
];
const PUBLIC = ['example.com', '93.184.216.34', '[2606:2800:220:1:248:1893:25c8:1946]', '172.32.0.1', '192.0.1.1'];

describe('urlProblem', () => {
  it.each([...CORPUS, ...MORE])('refuses https://%s (F28)', (host) => {
    expect(urlProblem(`https://${host}/hook`, strict)?.kind).toBe('forbidden');
    expect(urlProblem(`http://${host}/hook`, withHttp)?.kind).toBe('forbidden');
  });

  it.each(PUBLIC)('takes https://%s', (host) => {
    expect(urlProblem(`https://${host}/hook?x=1`, strict)).toBeUndefined();
    expect(urlProblem(`https://${host}:443/`, strict)).toBeUndefined();
  });

  it('takes http on port 80 where it is allowed', () => {
    expect(urlProblem('http://example.com/', strict)?.kind).toBe('forbidden');
    expect(urlProblem('http://example.com/', withHttp)).toBeUndefined();
    expect(urlProblem('http://example.com:8080/', withHttp)?.kind).toBe('forbidden');
  });

  it.each(['https://example.com:22/', 'https://93.184.216.34:6379/', 'ftp://example.com/', 'file:///etc/passwd'])(
    'refuses %s',
    (url) => {
      expect(urlProblem(url, strict)?.kind).toBe('forbidden');
    },
  );

  it('lets allowed networks through at any port, and nothing else', () => {
    for (const url of ['https://10.1.2.3/', 'https://10.1.2.3:8443/', 'https://[fd00:5::1]:8443/']) {
      expect(urlProblem(url, withTen)).toBeUndefined();
    }
    for (const url of ['https://10.2.0.1/', 'https://93.184.216.34:8443/', 'https://127.0.0.1/', 'http://10.1.2.3/']) {
      expect(urlProblem(url, withTen)?.kind).toBe('forbidden');
    }
    expect(urlProblem('https://internal.example:8443/', withTen)).toBeUndefined(); // where it leads is seen when connecting
  });

  it.each(['', 'nonsense', '/hook', 'https://', 'https://a b/', `https://example.com/${'a'.repeat(2_048)}`])(
    'says that %j is no URL',
    (text) => {
      expect(urlProblem(text, strict)?.kind).toBe('malformed');
    },
  );

  it('sees every blocked IPv4 address in every notation (F28)', () => {
    const notations = (a: number, b: number, c: number, d: number): string[] => {
      const whole = ((a * 256 + b) * 256 + c) * 256 + d;
      const hex = (n: number): string => `0x${n.toString(16)}`;
      const octal = (n: number): string => `0${n.toString(8)}`;
      return [
        `${a}.${b}.${c}.${d}`,
        [a, b, c, d].map(hex).join('.'),
        [a, b, c, d].map(octal).join('.'),
        String(whole),
        hex(whole),
        octal(whole),
        `${a}.${(b * 256 + c) * 256 + d}`,
        `${a}.${b}.${c * 256 + d}`,
        `[::ffff:${a}.${b}.${c}.${d}]`,
        `[::${a}.${b}.${c}.${d}]`,
        `[64:ff9b::${a}.${b}.${c}.${d}]`,
        `[2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::1]`,
      ];
    };
    const byte = fc.nat(255);
    const blocked = fc.oneof(
      fc.tuple(fc.constantFrom(0, 10, 127, 224, 239, 240, 255), byte, byte, byte),
      fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), byte, byte),
      fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
      fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
      fc.tuple(fc.constant(198), fc.constantFrom(18, 19), byte, byte),
    );
    fc.assert(
      fc.property(blocked, fc.nat(11), ([a, b, c, d], which) => {
        expect(urlProblem(`https://${notations(a, b, c, d)[which]!}/`, strict)?.kind).toBe('forbidden');
      }),
      RUNS,
    );
  });
});

describe('AddressRules', () => {
  it('refuses what is no address', () => {
    for (const text of ['', 'example.com', '1.2.3', '0x7f.1', '::g']) expect(strict.permits(text, 443)).toBe(false);
  });

  it('passes over the zone of a link-local address', () => {
    expect(strict.permits('fe80::1%eth0', 443)).toBe(false);
  });

  it('wants networks as CIDR', () => {
    expect(() => new AddressRules({ allowHttp: false, allowNetworks: ['10.0.0.1'] })).toThrow('CIDR');
  });
});
