/** A module of the user's, in JavaScript or TypeScript, as it is now. */
export interface ModuleState {
  /** Absolute path, links resolved. */
  readonly path: string;
  /** The same as the config names it: a link of a ConfigMap leads to another file after each change. */
  readonly named: string;
  /** What it is made of: its file, those it imports by relative paths, and so on. One may not exist. */
  readonly files: readonly string[];
  /** Differs when what one of them holds does. */
  readonly stamp: string;
}

/** Loads the user's modules. */
export interface ModuleLoader {
  /** Looks at a module without loading it; `path` is relative to the file `beside`. Never rejects. */
  look(path: string, beside: string): Promise<ModuleState>;
  /**
   * Evaluates modules as they are now, each with all its files; one that several import is evaluated once. Never
   * rejects.
   */
  load(modules: readonly ModuleState[]): Promise<readonly PromiseSettledResult<unknown>[]>;
  /** What a module threw: file, line, what is wrong, and the line without the texts in it. */
  explain(error: unknown, module: ModuleState): Promise<string>;
}
