/** Files, where the runtime has them. */
export interface Files {
  /** The file's text. Rejects with an error whose message names the path. */
  readText(path: string): Promise<string>;
  exists(path: string): Promise<boolean>;
  /** Writes a temporary file beside it, then renames: readers see the old or the new text, whole. */
  writeAtomic(path: string, text: string): Promise<void>;
  /**
   * Calls `onChange` (not more than once per change, some milliseconds later) when a path's content may have changed,
   * a Kubernetes ConfigMap's symlink swap included. Returns the function that stops it.
   */
  watch(paths: readonly string[], onChange: () => void): () => void;
}
