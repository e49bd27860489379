import type { Modules } from "../middleware/modules.ts";
import type { Files } from "../platform/files.ts";

/** Watches the files of modules, which may be others whenever they are loaded. */
export interface ModuleWatch {
  /** Watches what the modules are made of now. */
  renew(): void;
  stop(): void;
}

/** Makes one that watches nothing yet. `onChange` may be called for a change that is none. */
export function watchModules(modules: Modules, files: Pick<Files, "watch">, onChange: () => void): ModuleWatch {
  let watched = "";
  let end: (() => void) | undefined;
  return {
    renew() {
      const paths = [...modules.files()].sort();
      if (paths.join("\n") === watched) return;
      watched = paths.join("\n");
      end?.();
      end = paths.length === 0 ? undefined : files.watch(paths, onChange);
      // A change between loading and watching is one too.
      void modules.changed().then((changed) => changed && onChange());
    },
    stop: () => end?.(),
  };
}
