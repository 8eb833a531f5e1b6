import { holdDataFolder, type DataFolder } from './data-folder.js';

/** The data folder, held from its first use to the end: by what is told of it at start, or by PostgreSQL much later. */
export class HeldFolder {
  private holding: Promise<DataFolder> | undefined;
  /** What was last said of the store in it. */
  complaint = '';

  constructor(
    private readonly dataDir: string,
    open: AsyncDisposableStack,
  ) {
    open.defer(async () => (await this.holding?.catch(() => undefined))?.release());
  }

  folder(): Promise<DataFolder> {
    this.holding ??= holdDataFolder(this.dataDir).catch((error: unknown) => {
      this.holding = undefined; // another Sluice may let go of it
      throw error;
    });
    return this.holding;
  }
}
