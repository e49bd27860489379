type Camel<Name> = Name extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Name;
type HonoOptions<Options> = { [Name in keyof Options as Camel<Name>]: Exclude<Options[Name], undefined> };

/**
 * Options under Hono's names: allow_methods and allow-methods are allowMethods. Those that are undefined are left out.
 */
export function honoOptions<Options extends object>(options: Options): HonoOptions<Options> {
  const camel = (name: string): string => name.replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [camel(name), value])) as HonoOptions<Options>;
}
