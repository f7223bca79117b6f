/**
 * Options and prototypes: what a polluted Object.prototype offers is nobody's wish. Options of ours are read with
 * {@link ownOption}; options for Node's own functions, which read them the ordinary way, are made with {@link bare}.
 */

/** The value of an object's own property: what a prototype has is not an option. */
export function ownOption(options: object, name: string): unknown {
  return Object.hasOwn(options, name) ? (options as Record<string, unknown>)[name] : undefined;
}

/** An options object for code that reads options the ordinary way: it has no prototype to find others in. */
export function bare<T extends object>(options: T): T {
  return Object.assign(Object.create(null) as T, options);
}

/**
 * The bundler names a class that speaks of itself `_Name`, which is what Node would show of its instances. For classes that
 * programs see: called in the class's static block.
 */
export function keepName(whose: object, name: string): void {
  Object.defineProperty(whose, 'name', { value: name, configurable: true });
}
