/** There are no bytes under this key (any more). */
export class FileGone extends Error {
  override readonly name = 'FileGone';

  constructor(key: string) {
    super(`The stored file ${key} is gone.`);
  }
}
