import { describe, expect, it } from '@jest/globals';
import { readConfig } from './read-config.js';

const read = (files: string) =>
  readConfig({
    env: {},
    cwd: '/nonexistent',
    file: undefined,
    text: `model_list: [{model_name: m, litellm_params: {model: openai/m, api_key: k}}]\nsluice: {files: ${files}}\n`,
  });

describe('sluice.files', () => {
  it('is a bucket, with what most stores beside AWS want', () => {
    const s3 = '{bucket: b, endpoint: "http://127.0.0.1:9000", region: eu, prefix: sluice/, force_path_style: true}';
    expect(read(`{s3: ${s3}}`).filesInS3).toEqual({
      bucket: 'b',
      endpoint: 'http://127.0.0.1:9000',
      region: 'eu',
      prefix: 'sluice/',
      forcePathStyle: true,
    });
    expect(read('{s3: {bucket: b}}').filesInS3).toEqual({
      bucket: 'b',
      endpoint: undefined,
      region: 'us-east-1',
      prefix: '',
      forcePathStyle: false,
    });
  });

  it.each([
    ['{s3: {region: eu}}', 'with the name of a bucket'],
    ['{s3: {bucket: b, endpoint: "127.0.0.1"}}', 'http:// or https://'],
  ])('%s is refused', (files, reason) => {
    const { errors } = read(files).report;
    expect(errors.map((row) => row.reason).join()).toContain(reason);
  });

  it('is the data folder when nothing is said', () => {
    expect(read('{}').filesInS3).toBeUndefined();
  });
});
