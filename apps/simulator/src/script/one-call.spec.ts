import { describe, expect, it } from '@jest/globals';
import { faultInHeader, faultInModel } from './one-call.js';

describe('a fault for one call', () => {
  it('comes in a header', () => {
    const text = '{"do":{"kind":"overloaded"},"times":2}';
    expect(faultInHeader(text)).toMatchObject({ text, rule: { do: { kind: 'overloaded' }, times: 2 } });
  });

  it('comes behind the model, and is cut off', () => {
    const { model, travelling } = faultInModel('gpt-4o~kind=overloaded~times=2');
    expect(model).toBe('gpt-4o');
    expect(travelling).toMatchObject({
      text: '~kind=overloaded~times=2',
      rule: { do: { kind: 'overloaded' }, times: 2 },
    });
  });

  it.each([
    ['m~hang', { hang: true }],
    ['m~stallAfter=3~stallMs=50', { stallAfter: 3, stallMs: 50 }],
    ['m~body={"a":"=1"}~status=418', { body: '{"a":"=1"}', status: 418 }],
    ['m~body=<html>', { body: '<html>' }],
    ['m~headers={"retry-after":"soon"}', { headers: { 'retry-after': 'soon' } }],
  ])('%s says %j', (name, fault) => {
    expect(faultInModel(name).travelling?.rule.do).toEqual(fault);
  });

  it('is absent from a plain name', () => {
    expect(faultInModel('llama3:8b')).toEqual({ model: 'llama3:8b' });
  });

  it.each([
    [() => faultInHeader('kind=x'), 'x-sim-fault must be JSON like'],
    [() => faultInHeader('{"kind":"server"}'), 'x-sim-fault.kind is unknown: x-sim-fault takes do, times.'],
    [() => faultInModel('m~kind=flood'), 'model~.do.kind must be one of'],
    [() => faultInModel('m~'), 'model~.do. is unknown'],
  ])('is refused with a sentence: %#', (read, words) => {
    expect(read).toThrow(words);
  });
});
