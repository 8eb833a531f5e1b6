import type { Section } from './section.js';
import type { S3Place } from './settings.js';
import { sortKeys } from './sort-keys.js';

/** `sluice.files`: absent, files are in the data folder. */
export function readFilesPlace(sluice: Section | undefined): S3Place | undefined {
  const files = sluice?.section('files');
  if (files === undefined) return undefined;
  sortKeys('sluiceFiles', files.map, files.book);
  const s3 = files.section('s3');
  if (s3 === undefined) return undefined;
  sortKeys('sluiceS3', s3.map, s3.book);
  const bucket = s3.string('bucket');
  const place = {
    bucket: bucket ?? '',
    endpoint: s3.string('endpoint'),
    region: s3.string('region') ?? 'us-east-1',
    prefix: s3.string('prefix') ?? '',
    forcePathStyle: s3.flag('force_path_style') ?? false,
  };
  if (!bucket) s3.wrong(s3.map, 'a map with the name of a bucket', 'a map without');
  const { endpoint } = place;
  if (endpoint !== undefined && !/^https?:\/\//.test(endpoint))
    s3.wrong(s3.node('endpoint')!, 'an http:// or https:// address', 'something else');
  return place;
}
